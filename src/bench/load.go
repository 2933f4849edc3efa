package main

import (
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"os"
	"sync/atomic"
	"time"
)

// load is the process beside the bench that downloads through one lane, as fast as it can, until its
// standard input ends. It is told the lane there, and prints how it went.
func load() {
	out := json.NewEncoder(os.Stdout)
	in := json.NewDecoder(os.Stdin)
	var task struct {
		Lane             *lane
		Certificate, Key string
	}
	err := in.Decode(&task)
	if err != nil {
		out.Encode(loaded{Error: err.Error()})
		return
	}
	k := &keys{}
	if k.pair, err = tls.LoadX509KeyPair(task.Certificate, task.Key); err == nil {
		err = task.Lane.start(k)
	}
	var clients []*client
	if err == nil {
		// The broker may not have noticed yet that the former tunnels are gone.
		err = until(20*time.Second, func() error {
			clients, err = task.Lane.openAll(bulkStreams)
			return err
		})
	}
	if err != nil {
		out.Encode(loaded{Error: err.Error()})
		return
	}
	var received atomic.Int64
	troubles := make(chan error, bulkStreams)
	for _, c := range clients {
		go func(c *client) { troubles <- c.download(1<<50, &received) }(c)
	}
	time.Sleep(time.Second) // to full speed
	out.Encode(loaded{Ready: true})
	began, before := time.Now(), received.Load()
	ended := make(chan struct{})
	go func() {
		io.Copy(io.Discard, os.Stdin)
		close(ended)
	}()
	var answer loaded
	select {
	case err := <-troubles:
		answer.Error, answer.Corrupt = err.Error(), errors.Is(err, errCorrupt)
		<-ended
	case <-ended:
	case <-time.After(2 * time.Minute):
	}
	answer.MiBPerSecond = float64(received.Load()-before) / (1 << 20) / time.Since(began).Seconds()
	out.Encode(answer)
}
