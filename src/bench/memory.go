package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"math"
	"math/rand"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

func cut(s string) (string, string, bool) { return strings.Cut(s, "=") }

func oursAlone(s *subject) string {
	switch {
	case s.Name == "direct" || s.jar && s.agent:
		return "-"
	case !s.jar:
		return "has nothing like it"
	}
	return ""
}

// memory is what a subject holds.
type memory struct {
	resident, live, descriptors float64
}

// held measures it, after what was let go has been collected. The heap of a Java is touched as a whole at the
// start, so what it has resident beyond that is outside the heap; what lives in the heap is counted apart.
func (s *subject) held() (memory, error) {
	var m memory
	if s.live != nil {
		live, err := s.live(s)
		if err != nil {
			return m, err
		}
		m.live = live
	}
	m.resident, m.descriptors = resident(s.brokers), descriptors(s.brokers)
	return m, nil
}

// warm lets it connect and relay before it is measured, so that what it makes once (compiled code, pools) is
// not taken for what a connection costs; then waits until it has let go of what it holds for a while.
func (s *subject) warm(b *bench) (memory, error) {
	err := b.untilWarm(s, func() error {
		_, err := rendezvousThrough(s, b.scale(1500))
		return err
	})
	if err != nil {
		return memory{}, err
	}
	return s.settled()
}

// settled measures it once that changes no more; after a minute at the latest.
func (s *subject) settled() (memory, error) {
	last, err := s.held()
	for i := 0; i < 20 && err == nil; i++ {
		time.Sleep(3 * time.Second)
		var now memory
		now, err = s.held()
		change := math.Abs(now.live-last.live) + math.Abs(now.resident-last.resident)
		last = now
		if change < 40_000 {
			break
		}
	}
	progress("[%.1f MB live, %.1f resident] ", last.live/1e6, last.resident/1e6)
	return last, err
}

// slowly does the work so many times, a few at once, and returns what it made.
func slowly[T any](count int, work func(i int) (T, error)) ([]T, error) {
	var mu sync.Mutex
	var all []T
	var taken atomic.Int64
	_, err := each(atOnce, func(int) error {
		for {
			i := int(taken.Add(1)) - 1
			if i >= count {
				return nil
			}
			one, err := work(i)
			if err != nil {
				return fmt.Errorf("number %d: %w", i+1, err)
			}
			mu.Lock()
			all = append(all, one)
			mu.Unlock()
		}
	})
	return all, err
}

// --- Parked tunnels

var parkedSizes = []int{1000, 5000, 15000}

func parked() *workload {
	return parking("parked", "; for a reverse proxy, TLS connections that have asked nothing yet", false, parkedSizes)
}

// parkedAgain is with TLS sessions that are resumed, as hidden servers do that come again.
func parkedAgain() *workload {
	w := parking("parked-resumed", ", their TLS sessions resumed", true, []int{5000})
	w.unfit = oursAlone
	return w
}

func parking(name, more string, resume bool, sizes []int) *workload {
	w := &workload{
		name: name, family: name, fresh: true, rounds: 1,
		title: "Parked tunnels, eight for each hidden server" + more,
		unfit: func(s *subject) string {
			switch {
			case s.jar && !s.agent || s.Name == "nginx http" || s.Name == "HAProxy http":
				return ""
			case s.Name == "direct" || s.jar:
				return "-"
			case s.agent:
				return "parks streams in its agent's one connection, or none at all: not comparable"
			}
			return "connects at once: see pairs"
		},
		run: func(b *bench, s *subject) (figures, error) { return parkAll(b, s, sizes, clientTLS(resume)) },
	}
	for _, n := range sizes {
		of := fmt.Sprintf(", of %d", n)
		w.lines = append(w.lines,
			line{fmt.Sprintf("heap%d", n), "heap per tunnel" + of, "KB", false},
			line{fmt.Sprintf("all%d", n), "resident in all per tunnel" + of, "KB", false},
			line{fmt.Sprintf("fds%d", n), "descriptors per tunnel" + of, "", false},
			line{fmt.Sprintf("idle%d", n), "idle CPU" + of, "% of a core", false})
	}
	return w
}

const perHidden = 8 // as our agent does

func parkAll(b *bench, s *subject, sizes []int, config *tls.Config) (figures, error) {
	if b.quick {
		sizes = []int{1000}
	}
	most := sizes[len(sizes)-1]
	entries := make([]entry, (most+perHidden-1)/perHidden)
	for i := range entries {
		entries[i] = newEntry()
	}
	if err := s.start(b, options{heap: "512m", entries: entries}); err != nil {
		return nil, err
	}
	before, err := s.warm(b)
	if err == nil && s.lanes[0].Park { // its tunnels are not to come and go meanwhile
		for _, l := range s.lanes {
			l.stop()
		}
		before, err = s.settled()
	}
	if err != nil {
		return nil, err
	}
	var tunnels []*conn
	defer func() {
		for _, t := range tunnels {
			t.Close()
		}
	}()
	f := figures{}
	for _, size := range sizes {
		have := len(tunnels)
		var resumed atomic.Int64
		more, err := slowly(size-have, func(i int) (*conn, error) {
			if s.jar {
				t, err := entries[(have+i)/perHidden].park(s.lanes[0].Front, config, connectionLimit)
				if err == nil {
					if t.tls.ConnectionState().DidResume {
						resumed.Add(1)
					}
					go func() { // it waits for a request, as hidden servers do, and so may prove that it lives
						t.serve()
						t.Close()
					}()
				}
				return t, err
			}
			return dial(s.lanes[0].Front, config, connectionLimit, false)
		})
		tunnels = append(tunnels, more...)
		if err != nil {
			return f, err
		}
		if wanted := config.ClientSessionCache != nil; wanted && int(resumed.Load()) < len(more)*9/10 {
			return nil, fmt.Errorf("only %d of %d TLS sessions were resumed", resumed.Load(), len(more))
		}
		after, err := s.settled()
		if err != nil {
			return f, err
		}
		n, key := float64(size), fmt.Sprint(size)
		if s.live != nil {
			f["heap"+key] = (after.live - before.live) / n / 1000
		}
		f["all"+key] = (after.live - before.live + after.resident - before.resident) / n / 1000
		f["fds"+key] = (after.descriptors - before.descriptors) / n
		idle, used := time.Duration(b.scale(15))*time.Second, cpu(s.brokers)
		time.Sleep(idle)
		f["idle"+key] = 100 * (cpu(s.brokers) - used) / idle.Seconds()
	}
	if s.jar { // each of a sample still works
		return f, s.sample(entries, 100)
	}
	return f, nil
}

// sample asks some of the hidden servers.
func (s *subject) sample(entries []entry, count int) error {
	for i := 0; i < count; i++ {
		l := &lane{Front: s.lanes[0].Front, FrontTLS: true, Entry: entries[rand.Intn(len(entries))]}
		c, err := l.open()
		if err == nil {
			err = c.small()
			c.Close()
		}
		if err != nil {
			return fmt.Errorf("a tunnel that was parked: %w", err)
		}
	}
	return nil
}

// --- Pairs at rest

var pairSizes = []int{1000, 4000}

func pairs() *workload {
	w := &workload{
		name: "pairs", family: "pairs", fresh: true, rounds: 1,
		title: "Clients that are joined with a hidden server, and silent after one request",
		unfit: nothingAlone,
		run: func(b *bench, s *subject) (figures, error) {
			sizes := pairSizes
			if b.quick {
				sizes = sizes[:1]
			}
			if err := s.start(b, options{heap: "512m"}); err != nil {
				return nil, err
			}
			before, err := s.warm(b)
			if err != nil {
				return nil, err
			}
			f := figures{}
			var clients []*client
			defer func() { closeAll(clients) }()
			for _, size := range sizes {
				more, err := slowly(size-len(clients), func(int) (*client, error) {
					c, err := s.lanes[0].open()
					if err == nil {
						err = c.small()
					}
					return c, err
				})
				clients = append(clients, more...)
				if err != nil {
					return nil, err
				}
				after, err := s.settled()
				if err != nil {
					return nil, err
				}
				f[fmt.Sprint("all", size)] = (after.live - before.live + after.resident - before.resident) / float64(size) / 1000
				f[fmt.Sprint("fds", size)] = (after.descriptors - before.descriptors) / float64(size)
			}
			return f, nil
		},
	}
	for _, n := range pairSizes {
		w.lines = append(w.lines,
			line{fmt.Sprint("all", n), fmt.Sprintf("resident in all per pair, of %d", n), "KB", false},
			line{fmt.Sprint("fds", n), fmt.Sprintf("descriptors per pair, of %d", n), "", false})
	}
	return w
}

func nothingAlone(s *subject) string {
	if s.Name == "direct" {
		return "-"
	}
	return ""
}

// --- Readers that stall

const readers = 2000

// Some peers take in all that they are sent. They are not given more readers than fit into memory.
const enough = 3 << 30

var errEnough = errors.New("enough")

func stalled() *workload {
	return &workload{
		name: "stalled", family: "stalled", fresh: true, rounds: 1,
		title: fmt.Sprintf("%d clients that ask for 64 MiB and do not read it", readers),
		lines: []line{
			{"all", "resident in all per stalled reader", "KiB", false},
			{"heap", "of that live in the heap", "KiB", false},
			{"taken", "sent by its hidden server before it stalled", "KiB", false},
			{"readers", "of so many readers", "", true},
		},
		unfit: nothingAlone,
		run: func(b *bench, s *subject) (figures, error) {
			count := b.scale(readers)
			const size = 64 << 20
			if err := s.start(b, options{heap: "1g"}); err != nil {
				return nil, err
			}
			before, err := s.warm(b)
			if err != nil {
				return nil, err
			}
			began := moved.Load()
			clients, err := slowly(count, func(i int) (*client, error) {
				if i%20 == 0 && resident(s.brokers)-before.resident > enough {
					return nil, errEnough
				}
				c, err := s.lanes[0].openFrom(true)
				if err == nil {
					err = c.ask(size)
				}
				return c, err
			})
			defer func() { closeAll(clients) }()
			if err != nil && !errors.Is(err, errEnough) {
				return nil, err
			}
			for last, still := moved.Load(), 0; still < 3; still++ { // until nothing moves
				time.Sleep(time.Second)
				if now := moved.Load(); now != last {
					last, still = now, -1
				}
			}
			taken := moved.Load() - began
			if taken > int64(len(clients))*size/2 {
				return nil, fmt.Errorf("%d MiB were taken: they do not stall", taken>>20)
			}
			after, err := s.settled()
			if err != nil {
				return nil, err
			}
			n := float64(len(clients)) * 1024
			f := figures{
				"readers": float64(len(clients)),
				"all":     (after.live - before.live + after.resident - before.resident) / n,
				"taken":   float64(taken) / n,
			}
			if s.live != nil {
				f["heap"] = (after.live - before.live) / n
			}
			// Some of them read on, and must get all; and a newcomer is served beside them.
			if err := s.tryOut(s.lanes[0]); err != nil {
				return f, fmt.Errorf("a client beside them: %w", err)
			}
			some := 50
			if some > len(clients) {
				some = len(clients)
			}
			_, err = each(some, func(i int) error { return clients[i].readBlocks(size, nil) })
			return f, err
		},
	}
}

// --- All hidden servers at once, after a crash

const agentsBack = 5000

func reconnect() *workload {
	return &workload{
		name: "reconnect", family: "reconnect", fresh: true, rounds: 2,
		title: fmt.Sprintf("%d hidden servers, each with an entry and a tunnel of its own, after the broker was killed and started again", agentsBack),
		lines: []line{
			{"up", "from the start to the first tunnel", "s", false},
			{"back", "from the start until all are parked again", "s", false},
			{"cpu", "broker's CPU, its start included", "s", false},
			{"failures", "requests that failed after that", "", false},
		},
		unfit: func(s *subject) string {
			if s.agent && !s.jar {
				return "would need as many processes of its agent"
			}
			return oursAlone(s)
		},
		run: crash,
	}
}

func crash(b *bench, s *subject) (figures, error) {
	count := b.scale(agentsBack)
	entries := make([]entry, count)
	for i := range entries {
		entries[i] = newEntry()
	}
	o := options{heap: "512m", entries: entries}
	if err := s.start(b, o); err != nil {
		return nil, err
	}
	for _, l := range s.lanes {
		l.stop()
	}
	front := s.lanes[0].Front
	var parked atomic.Int64
	var firstBack atomic.Int64
	config := clientTLS(true)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var started time.Time
	for _, e := range entries {
		go func(e entry) {
			failures := 0
			for ctx.Err() == nil {
				c, err := e.park(front, config, connectionLimit)
				if err != nil { // as our agent does: full jitter, below 0.5 s, 1 s, 2 s, 4 s, 4 s …
					most := 500 << failures
					if failures < 3 {
						failures++
					}
					time.Sleep(time.Duration(rand.Intn(most)) * time.Millisecond)
					continue
				}
				failures = 0
				parked.Add(1)
				firstBack.CompareAndSwap(0, time.Now().UnixNano())
				stop := context.AfterFunc(ctx, func() { c.Close() })
				c.br.Peek(1)
				parked.Add(-1)
				stop()
				c.serve()
				c.Close()
			}
		}(e)
	}
	all := func() error {
		if n := parked.Load(); n < int64(count) {
			return fmt.Errorf("%d of %d are parked", n, count)
		}
		return nil
	}
	if err := until(2*time.Minute, all); err != nil {
		return nil, err
	}
	s.brokers[0].kill()
	if err := until(20*time.Second, func() error {
		if parked.Load() > 0 {
			return fmt.Errorf("tunnels outlive their broker")
		}
		return nil
	}); err != nil {
		return nil, err
	}
	firstBack.Store(0)
	started = time.Now()
	if err := s.restart(b, s.home, o); err != nil {
		return nil, err
	}
	if err := until(2*time.Minute, all); err != nil {
		return nil, fmt.Errorf("%w; %s", err, s.brokers[0].said())
	}
	f := figures{
		"back": time.Since(started).Seconds(),
		"up":   time.Unix(0, firstBack.Load()).Sub(started).Seconds(),
		"cpu":  cpu(s.brokers),
	}
	for i := 0; i < b.scale(500); i++ {
		l := &lane{Front: front, FrontTLS: true, Entry: entries[rand.Intn(count)]}
		c, err := l.open()
		if err == nil {
			err = c.small()
			c.Close()
		}
		if err != nil {
			f["failures"]++
			progress("[%v] ", err)
		}
	}
	if _, there := f["failures"]; !there {
		f["failures"] = 0
	}
	return f, nil
}
