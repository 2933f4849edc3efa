package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"sort"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// figures are what one run of a workload has found, by the keys of its lines.
type figures map[string]float64

// line is a figure of a workload, as it stands in the table.
type line struct {
	Key   string `json:"key"`
	Title string `json:"title"`
	Unit  string `json:"unit"`
	More  bool   `json:"more_is_better"`
}

// workload is some work that is done through each subject.
type workload struct {
	name   string
	family string // workloads that differ in size share one, and so a chart
	title  string
	lines  []line
	fresh  bool                  // starts the subject itself, to measure its memory
	when   func(*bench) bool     // whether it can run at all
	unfit  func(*subject) string // why it says nothing of a subject; "-" where that needs no words
	rounds int                   // if not as many as usual
	run    func(*bench, *subject) (figures, error)
}

func (w *workload) roundsOf(b *bench) int {
	if w.rounds > 0 && w.rounds < b.rounds {
		return w.rounds
	}
	return b.rounds
}

func (w *workload) brief(f figures) string {
	text := ""
	for _, l := range w.lines {
		if value, there := f[l.Key]; there {
			text += fmt.Sprintf("%s %s %s, ", l.Key, number(value), l.Unit)
		}
	}
	return text
}

// The long-running subjects first, so that each Java is warm when it is measured; then those that
// are started for one workload.
var workloads = []*workload{
	bulk("down", 1, 1<<30), bulk("up", 1, 1<<30),
	bulk("down", 4, 256<<20), bulk("up", 4, 256<<20),
	bulk("down", 32, 32<<20), bulk("up", 32, 32<<20),
	requests(1, 12_000), requests(32, 40_000), requests(256, 40_000),
	handshakes(), rendezvouses(), latency(), mixed(),
	probed(), parked(), parkedAgain(), pairs(), stalled(), reconnect(),
}

func anyone(*subject) string { return "" }

// --- Bulk

func bulk(direction string, streams int, size int64) *workload {
	title := fmt.Sprintf("%s, %d at once", map[string]string{"down": "Download", "up": "Upload"}[direction], streams)
	if streams == 1 {
		title = map[string]string{"down": "Download, one", "up": "Upload, one"}[direction]
	}
	return &workload{
		name: direction + strconv.Itoa(streams), family: direction, title: title,
		lines: []line{
			{"cpu", "broker's CPU per GiB", "s", false},
			{"wall", "speed", "MiB/s", true},
			{"agent", "agent's CPU per GiB", "s", false},
		},
		unfit: anyone,
		run: func(b *bench, s *subject) (figures, error) {
			size := int64(b.scale(int(size)>>20)) << 20
			clients, err := s.lanes[0].openAll(streams)
			if err != nil {
				return nil, err
			}
			defer closeAll(clients)
			return s.measured(float64(size)*float64(streams)/(1<<30), func() (time.Duration, error) {
				return each(streams, func(i int) error {
					if direction == "up" {
						return clients[i].upload(size)
					}
					return clients[i].download(size, nil)
				})
			}, func(f figures, units float64, took time.Duration) {
				f["wall"] = units * 1024 / took.Seconds()
			})
		},
	}
}

// measured does the work and finds out what it costs: CPU seconds for each of so many units.
func (s *subject) measured(units float64, work func() (time.Duration, error), more func(figures, float64, time.Duration)) (figures, error) {
	before, agents := cpu(s.brokers), cpu(s.agents)
	took, err := work()
	if err != nil {
		return nil, err
	}
	f := figures{}
	if len(s.brokers) > 0 {
		f["cpu"] = (cpu(s.brokers) - before) / units
	}
	if len(s.agents) > 0 {
		f["agent"] = (cpu(s.agents) - agents) / units
	}
	more(f, units, took)
	return f, nil
}

func scaled(f figures, factor float64, keys ...string) {
	for _, key := range keys {
		if value, there := f[key]; there {
			f[key] = value * factor
		}
	}
}

// --- Requests on connections that are kept

func requests(connections, total int) *workload {
	return &workload{
		name: "requests" + strconv.Itoa(connections), family: "requests",
		title: fmt.Sprintf("Requests of 200 octets, answers of 1 KiB, on %d kept connection%s", connections, plural(connections)),
		lines: []line{
			{"cpu", "broker's CPU per request", "µs", false},
			{"rate", "requests", "/s", true},
			{"agent", "agent's CPU per request", "µs", false},
		},
		unfit: anyone,
		run: func(b *bench, s *subject) (figures, error) {
			clients, err := s.lanes[0].openAll(connections)
			if err != nil {
				return nil, err
			}
			defer closeAll(clients)
			every := b.scale(total)/connections + 1
			f, err := s.measured(float64(every*connections), func() (time.Duration, error) {
				return each(connections, func(i int) error {
					for n := 0; n < every; n++ {
						if err := clients[i].small(); err != nil {
							return err
						}
					}
					return nil
				})
			}, func(f figures, units float64, took time.Duration) { f["rate"] = units / took.Seconds() })
			scaled(f, 1e6, "cpu", "agent")
			return f, err
		},
	}
}

func plural(n int) string {
	if n == 1 {
		return ""
	}
	return "s"
}

// --- New connections

const atOnce = 8 // clients that connect one after the other, each

// repeated does some work so many times, a few at once.
func repeated(total int, work func() error) (time.Duration, error) {
	var taken atomic.Int64
	return each(atOnce, func(int) error {
		for taken.Add(1) <= int64(total) {
			if err := work(); err != nil {
				return err
			}
		}
		return nil
	})
}

func handshakes() *workload {
	return &workload{
		name: "handshakes", family: "handshakes", title: "Full TLS 1.3 handshakes, P-256, X25519, and nothing more",
		lines: []line{
			{"cpu", "broker's CPU per handshake", "µs", false},
			{"rate", "handshakes", "/s", true},
		},
		unfit: func(s *subject) string {
			switch {
			case s.Client != "TLS":
				return "no TLS with clients"
			case s.agent && !s.jar:
				return "its agent does them"
			case s.Name == "nginx stream" || s.Name == "HAProxy tcp":
				return "connects to its server as well, at every handshake: see rendezvous"
			}
			return ""
		},
		run: func(b *bench, s *subject) (figures, error) {
			total := b.scale(4000)
			f, err := s.measured(float64(total), func() (time.Duration, error) {
				return repeated(total, func() error {
					c, err := s.lanes[0].open()
					if err != nil {
						return err
					}
					defer c.Close()
					if err := c.tls.CloseWrite(); err != nil {
						return err
					}
					_, err = io.Copy(io.Discard, c) // until the broker has seen it through, and closes too
					return err
				})
			}, func(f figures, units float64, took time.Duration) { f["rate"] = units / took.Seconds() })
			scaled(f, 1e6, "cpu")
			return f, err
		},
	}
}

var rendezvousLines = []line{
	{"cpu", "broker's CPU per rendezvous", "ms", false},
	{"rate", "rendezvous", "/s", true},
	{"resumed", "of the hidden side's handshakes resumed", "%", true},
	{"agent", "agent's CPU per rendezvous", "ms", false},
}

func rendezvouses() *workload {
	return &workload{
		name: "rendezvous", family: "rendezvous",
		title: "Rendezvous: a new client connection (full handshake) for each request; the hidden side's handshake is resumed where there is one",
		lines: rendezvousLines,
		unfit: anyone,
		run:   func(b *bench, s *subject) (figures, error) { return rendezvousThrough(s, b.scale(4000)) },
	}
}

func rendezvousThrough(s *subject, total int) (figures, error) {
	l := s.lanes[0]
	if err := l.full(); err != nil {
		return nil, err
	}
	parks, resumed := l.parks.Load(), l.resumed.Load()
	f, err := s.measured(float64(total), func() (time.Duration, error) {
		took, err := repeated(total, func() error {
			c, err := l.open()
			if err != nil {
				return err
			}
			defer c.Close()
			return c.small()
		})
		if err == nil {
			err = l.full() // parking them again is part of it
		}
		return took, err
	}, func(f figures, units float64, took time.Duration) { f["rate"] = units / took.Seconds() })
	scaled(f, 1e3, "cpu", "agent")
	if n := l.parks.Load() - parks; err == nil && n > 0 && len(s.brokers) > 0 && (l.Park || l.BackTLS) {
		f["resumed"] = 100 * float64(l.resumed.Load()-resumed) / float64(n)
	}
	return f, err
}

// --- Latency

func latency() *workload {
	return &workload{
		name: "latency", family: "latency", title: "Round trips of one octet, on one connection, nothing else going on",
		lines: []line{
			{"p50", "p50", "µs", false}, {"p99", "p99", "µs", false}, {"p999", "p99.9", "µs", false},
		},
		unfit: anyone,
		run: func(b *bench, s *subject) (figures, error) {
			c, err := s.lanes[0].open()
			if err != nil {
				return nil, err
			}
			defer c.Close()
			if err := c.upgrade(); err != nil {
				return nil, err
			}
			if err := s.lanes[0].full(); err != nil {
				return nil, err
			}
			octet := []byte{0}
			times := make([]time.Duration, b.scale(20_000))
			for i := -len(times) / 10; i < len(times); i++ {
				began := time.Now()
				octet[0] = byte(i)
				if _, err := c.Write(octet); err != nil {
					return nil, err
				}
				back, err := c.br.ReadByte()
				if err != nil {
					return nil, err
				}
				if back != byte(i) {
					return nil, errCorrupt
				}
				if i >= 0 {
					times[i] = time.Since(began)
				}
			}
			return percentiles(times, time.Microsecond), nil
		},
	}
}

func percentiles(times []time.Duration, unit time.Duration) figures {
	sort.Slice(times, func(i, j int) bool { return times[i] < times[j] })
	at := func(share float64) float64 {
		return float64(times[int(share*float64(len(times)-1))]) / float64(unit)
	}
	return figures{"p50": at(0.5), "p99": at(0.99), "p999": at(0.999)}
}

// --- Small requests beside bulk

const bulkStreams = 32

func mixed() *workload {
	return &workload{
		name: "mixed", family: "mixed", rounds: 2,
		title: "Small requests on 4 connections while 32 downloads run at full speed",
		lines: []line{
			{"p50", "p50", "ms", false}, {"p99", "p99", "ms", false}, {"wall", "the downloads' speed", "MiB/s", true},
		},
		unfit: anyone,
		run: func(b *bench, s *subject) (figures, error) {
			// The downloads and their hidden server are another, meeker process, so that this one's own
			// queues are not what is measured.
			l := s.lanes[1]
			if l.Park {
				l.stop()
			} else {
				l.listener.Close()
			}
			defer func() {
				if s.lanes[1] == l { // still up
					l.start(b.keys)
				}
			}()
			clients, err := s.lanes[0].openAll(4)
			if err != nil {
				return nil, err
			}
			defer closeAll(clients)
			other, err := startLoad(b, l)
			if err != nil {
				return nil, err
			}
			defer other.end()
			times := make([]time.Duration, 0, 50_000)
			var mu sync.Mutex
			end := time.Now().Add(time.Duration(b.scale(6000)) * time.Millisecond)
			if _, err := each(len(clients), func(i int) error {
				for time.Now().Before(end) {
					began := time.Now()
					if err := clients[i].small(); err != nil {
						return err
					}
					mu.Lock()
					times = append(times, time.Since(began))
					mu.Unlock()
					time.Sleep(time.Millisecond) // it asks, it does not load
				}
				return nil
			}); err != nil {
				return nil, err
			}
			f := percentiles(times, time.Millisecond)
			loaded, err := other.end()
			f["wall"] = loaded.MiBPerSecond
			return f, err
		},
	}
}

// loading is the other process, seen from this one.
type loading struct {
	command *exec.Cmd
	in      interface{ Close() error }
	out     *json.Decoder
	ended   bool
}

type loaded struct {
	Ready        bool
	MiBPerSecond float64
	Error        string
	Corrupt      bool
}

func startLoad(b *bench, l *lane) (*loading, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	command := exec.Command("nice", self, "load")
	command.Stderr = os.Stderr
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	in, err := command.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := command.Start(); err != nil {
		return nil, err
	}
	o := &loading{command: command, in: in, out: json.NewDecoder(out)}
	err = json.NewEncoder(in).Encode(struct {
		Lane             *lane
		Certificate, Key string
	}{l, b.keys.certificate, b.keys.key})
	var answer loaded
	if err == nil {
		err = o.out.Decode(&answer)
	}
	if err == nil && !answer.Ready {
		err = fmt.Errorf("the load: %s", answer.Error)
	}
	if err != nil {
		o.end()
		return nil, err
	}
	return o, nil
}

func (o *loading) end() (loaded, error) {
	var answer loaded
	if o.ended {
		return answer, nil
	}
	o.ended = true
	o.in.Close()
	timer := time.AfterFunc(20*time.Second, func() { o.command.Process.Kill() })
	defer timer.Stop()
	err := o.out.Decode(&answer)
	o.command.Wait()
	if answer.Corrupt {
		return answer, errCorrupt
	}
	if err == nil && answer.Error != "" {
		err = fmt.Errorf("the load: %s", answer.Error)
	}
	return answer, err
}

// --- The proof of life before a hand-out

func probed() *workload {
	return &workload{
		name: "probe", family: "probe", fresh: true,
		title: "Rendezvous with tunnels that must prove that they live first, and without",
		lines: []line{
			{"probed", "broker's CPU, probed", "ms", false}, {"unprobed", "broker's CPU, not probed", "ms", false},
			{"asked", "of the probed, asked before they were handed out", "%", true},
		},
		when:  func(b *bench) bool { return probes(b.root) },
		unfit: func(s *subject) string { return oursAlone(s) },
		run: func(b *bench, s *subject) (figures, error) {
			f := figures{}
			for _, setting := range []string{"probed=1ms", "unprobed=1d"} {
				key, value, _ := cut(setting)
				admin := freePort()
				if err := s.start(b, options{set: []string{"probe=" + value, "admin.enabled=true",
					"admin.token=none", fmt.Sprint("admin.port=", admin)}}); err != nil {
					return nil, err
				}
				var found figures
				asked, total := 0.0, b.scale(3000)
				err := b.untilWarm(s, func() (err error) {
					before, err := answered(admin)
					if err == nil {
						found, err = rendezvousThrough(s, total)
					}
					if err == nil {
						asked, err = answered(admin)
						asked -= before
					}
					return err
				})
				if err != nil {
					return nil, err
				}
				f[key] = found["cpu"]
				if key == "probed" {
					f["asked"] = 100 * asked / float64(total)
				}
				s.stop()
			}
			return f, nil
		},
	}
}

// answered is how many probes of a broker were answered so far.
func answered(admin int) (float64, error) {
	response, err := http.Get(fmt.Sprintf("http://%s/metrics", local(admin)))
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return 0, err
	}
	found := regexp.MustCompile(`rendezvous_probes_total\{outcome="answered"\} ([0-9.]+)`).FindSubmatch(text)
	if found == nil {
		return 0, fmt.Errorf("no probes are counted: %s", response.Status)
	}
	return strconv.ParseFloat(string(found[1]), 64)
}
