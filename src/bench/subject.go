package main

import (
	"crypto/tls"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// subject is what is measured: processes that bring clients to hidden servers.
type subject struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	Client  string `json:"client_leg"` // what clients speak to it: TLS or TCP
	Hidden  string `json:"hidden_leg"` // what goes between it and the hidden side
	About   string `json:"about"`
	Ciphers string `json:"ciphers,omitempty"`

	launch func(s *subject, o options) error // starts brokers and agents, and says which lanes there are
	live   func(s *subject) (float64, error) // octets of live objects, of a Java
	jar    bool                              // our broker
	agent  bool                              // with an agent of its own
	http   bool                              // reads requests, rather than octets

	brokers   []*process
	agents    []*process
	home      string // of its Java
	lanes     [2]*lane
	directory string
}

// options are what a workload asks of a subject that it has started for itself.
type options struct {
	heap    string   // of a Java
	set     []string // settings of our broker
	entries []entry  // further ones
}

// start brings it up; when it returns, requests pass on both lanes.
func (s *subject) start(b *bench, o options) error {
	s.directory = filepath.Join(b.scratch, fileName(s.Name))
	os.RemoveAll(s.directory)
	if err := os.MkdirAll(s.directory, 0o755); err != nil {
		return err
	}
	if err := s.launch(s, o); err != nil {
		s.stop()
		return err
	}
	for _, l := range s.lanes {
		if err := l.start(b.keys); err != nil {
			s.stop()
			return err
		}
		if err := until(60*time.Second, func() error { return s.tryOut(l) }); err != nil {
			said := ""
			for _, p := range append(s.brokers, s.agents...) {
				said += " / " + p.said()
			}
			s.stop()
			return fmt.Errorf("it does not come up: %w%s", err, said)
		}
	}
	return nil
}

func (s *subject) tryOut(l *lane) error {
	c, err := l.open()
	if err != nil {
		return err
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(5 * time.Second))
	if c.tls != nil {
		s.Ciphers = tls.CipherSuiteName(c.tls.ConnectionState().CipherSuite)
	}
	if err := c.small(); err != nil {
		return err
	}
	if cipher := l.cipher.Load(); cipher != 0 {
		s.Ciphers += ", hidden side " + tls.CipherSuiteName(uint16(cipher))
	}
	return nil
}

func (s *subject) stop() {
	for _, l := range s.lanes {
		if l != nil {
			l.stop()
		}
	}
	s.kill()
	s.brokers, s.agents, s.lanes = nil, nil, [2]*lane{}
}

// kill ends its processes, and with them whatever goes on through them.
func (s *subject) kill() {
	for _, all := range [][]*process{s.agents, s.brokers} {
		for _, p := range all {
			p.kill()
		}
	}
}

// corruption tells what the hidden side has seen.
func (s *subject) corruption() error {
	for _, l := range s.lanes {
		if l != nil {
			if err := l.corruption(); err != nil {
				return err
			}
		}
	}
	return nil
}

// file writes one into the subject's directory.
func (s *subject) file(name, text string) error {
	return os.WriteFile(filepath.Join(s.directory, name), []byte(text), 0o644)
}

func (s *subject) broker(name string, command ...string) error {
	p, err := run(subjectCore, s.directory, name, command...)
	if err == nil {
		s.brokers = append(s.brokers, p)
	}
	return err
}

func (s *subject) agentProcess(name string, command ...string) error {
	p, err := run(generatorCore, s.directory, name, command...)
	if err == nil {
		s.agents = append(s.agents, p)
	}
	return err
}

// listening makes two lanes whose hidden servers listen.
func (s *subject) listening(frontTLS, backTLS bool) {
	for i := range s.lanes {
		s.lanes[i] = &lane{
			Front: local(freePort()), FrontTLS: frontTLS,
			Back: local(freePort()), BackTLS: backTLS,
		}
	}
}
