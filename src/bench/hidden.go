package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// How many tunnels a hidden server of ours keeps parked while connections come quickly.
const pool = 64

// How long any connection may last. It bounds a workload that hangs.
const connectionLimit = 10 * time.Minute

// lane is a way through a subject: where clients go, and where the hidden server is. A subject has
// two, so that one can be busy while the other is measured from another process.
type lane struct {
	Front    string // address for clients
	FrontTLS bool
	Entry    entry  // of our broker: who is asked for, and who parks
	Park     bool   // the hidden server parks tunnels at Front
	Guarded  bool   // each request names the hidden server
	Back     string // the address that the hidden server listens on, unless it parks
	BackTLS  bool

	keys   *keys
	cancel context.CancelFunc
	tunnel *tls.Config

	parked   atomic.Int64
	parks    atomic.Int64  // handshakes of tunnels
	resumed  atomic.Int64  // of these
	cipher   atomic.Uint32 // of its TLS
	mu       sync.Mutex
	trouble  error // the last
	corrupt  error // the first
	listener net.Listener
}

// start begins to serve.
func (l *lane) start(k *keys) error {
	l.keys = k
	l.tunnel = clientTLS(true)
	ctx, cancel := context.WithCancel(context.Background())
	l.cancel = cancel
	if l.Park {
		for i := 0; i < pool; i++ {
			go l.keepParked(ctx)
		}
		return nil
	}
	listener, err := net.Listen("tcp", l.Back)
	if err != nil {
		return err
	}
	l.listener = listener
	go func() {
		for {
			raw, err := listener.Accept()
			if err != nil {
				return
			}
			go l.accepted(raw)
		}
	}()
	return nil
}

func (l *lane) stop() {
	if l.cancel != nil {
		l.cancel()
	}
	if l.listener != nil {
		l.listener.Close()
	}
}

func (l *lane) accepted(raw net.Conn) {
	raw.SetDeadline(time.Now().Add(connectionLimit))
	var upgrade func(net.Conn) *tls.Conn
	if l.BackTLS {
		config := l.serverTLS()
		upgrade = func(n net.Conn) *tls.Conn { return tls.Server(n, config) }
	}
	c, err := newConn(raw, upgrade)
	if err == nil {
		l.connected(c)
		err = c.serve()
		c.Close()
	}
	l.note(err)
}

// connected counts one more connection of the hidden side.
func (l *lane) connected(c *conn) {
	l.parks.Add(1)
	if c.tls == nil {
		return
	}
	state := c.tls.ConnectionState()
	l.cipher.Store(uint32(state.CipherSuite))
	if state.DidResume {
		l.resumed.Add(1)
	}
}

var serverConfigs sync.Map // one for each lane, since it holds the keys of tickets

func (l *lane) serverTLS() *tls.Config {
	config, _ := serverConfigs.LoadOrStore(l, l.keys.serverTLS())
	return config.(*tls.Config)
}

// keepParked keeps one tunnel parked, and serves what comes through it beside the next.
func (l *lane) keepParked(ctx context.Context) {
	for ctx.Err() == nil {
		c, err := l.Entry.park(l.Front, l.tunnel, connectionLimit)
		if err != nil {
			l.note(err)
			time.Sleep(200 * time.Millisecond)
			continue
		}
		l.connected(c)
		l.parked.Add(1)
		stop := context.AfterFunc(ctx, func() { c.Close() })
		_, err = c.br.Peek(1) // until it is handed out
		l.parked.Add(-1)
		stop()
		if err != nil {
			c.Close()
			continue
		}
		go func() {
			err := c.serve()
			c.Close()
			l.note(err)
		}()
	}
}

// full waits until all tunnels are parked again, so that parking them is not measured as work.
func (l *lane) full() error {
	if !l.Park {
		return nil
	}
	for until := time.Now().Add(30 * time.Second); l.parked.Load() < pool; {
		if time.Now().After(until) {
			return fmt.Errorf("only %d of %d tunnels are parked: %v", l.parked.Load(), pool, l.lastTrouble())
		}
		time.Sleep(5 * time.Millisecond)
	}
	return nil
}

// note keeps an error. That clients go away is none.
func (l *lane) note(err error) {
	if err == nil || errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed) {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.trouble = err
	if errors.Is(err, errCorrupt) && l.corrupt == nil {
		l.corrupt = err
	}
}

func (l *lane) lastTrouble() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.trouble
}

func (l *lane) corruption() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.corrupt
}

// park parks one tunnel.
func (e entry) park(address string, config *tls.Config, limit time.Duration) (*conn, error) {
	c, err := dial(address, config, limit, false)
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(c, "CONNECT uuid:%s?response=%s HTTP/1.1\r\n\r\n", e.UUID, e.token(time.Now()))
	answer, err := c.readHead()
	if err == nil && answer.path() != "200" {
		err = fmt.Errorf("a tunnel was refused: %q", answer.line)
	}
	if err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// open connects a client.
func (l *lane) open() (*client, error) { return l.openFrom(false) }

func (l *lane) openFrom(small bool) (*client, error) {
	var config *tls.Config
	if l.FrontTLS {
		config = clientFull
	}
	c, err := dial(l.Front, config, connectionLimit, small)
	if err != nil {
		return nil, err
	}
	// About 200 octets, as of a modest client.
	rest := "Host: localhost\r\nUser-Agent: bench/1 (" + strings.Repeat("x", 60) + ")\r\nAccept: */*\r\n"
	first := rest
	if l.Entry.UUID != "" {
		first += "Authorization: Digest username=\"" + l.Entry.UUID + "\"\r\n"
	}
	if l.Guarded {
		rest = first
	}
	return &client{conn: c, first: []byte(first), rest: []byte(rest)}, nil
}

// Clients make full handshakes.
var clientFull = clientTLS(false)

// openAll connects so many and has each answer once, so that no connection is set up while work is
// measured.
func (l *lane) openAll(count int) ([]*client, error) {
	clients := make([]*client, 0, count)
	for len(clients) < count {
		c, err := l.open()
		if err == nil {
			err = c.small()
		}
		if err != nil {
			closeAll(clients)
			return nil, fmt.Errorf("client %d: %w", len(clients)+1, err)
		}
		clients = append(clients, c)
	}
	return clients, l.full()
}

func closeAll(clients []*client) {
	for _, c := range clients {
		c.Close()
	}
}

// each does the work for all of them at once, and returns how long that took and the first error.
func each(count int, work func(i int) error) (time.Duration, error) {
	errs := make(chan error, count)
	began := time.Now()
	for i := 0; i < count; i++ {
		go func(i int) { errs <- work(i) }(i)
	}
	var first error
	for i := 0; i < count; i++ {
		if err := <-errs; err != nil && first == nil {
			first = err
		}
	}
	return time.Since(began), first
}

func progress(format string, arguments ...any) {
	fmt.Fprintf(os.Stderr, format, arguments...)
}
