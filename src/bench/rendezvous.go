package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// The heap is touched as a whole at the start, so that what grows later is outside of it; the serial
// collector suits one processor. Everything else is as it comes.
func javaFlags(heap string) []string {
	if heap == "" {
		heap = "256m"
	}
	return []string{
		"-Xms" + heap, "-Xmx" + heap, "-XX:+UseSerialGC", "-XX:+AlwaysPreTouch",
		"-XX:+IgnoreUnrecognizedVMOptions", "-XX:+UseCompactObjectHeaders", // as scripts/rendezvous has it
	}
}

const (
	agentSuffix   = ", agent"
	guardedSuffix = ", guarded"
)

// exercise has it do a bit of everything, so that what is measured after that is compiled code.
func (s *subject) exercise() error {
	l := s.lanes[0]
	clients, err := l.openAll(2)
	defer closeAll(clients)
	if err != nil {
		return err
	}
	if _, err := each(len(clients), func(i int) error {
		for n := 0; n < 20_000; n++ {
			if err := clients[i].small(); err != nil {
				return err
			}
		}
		if err := clients[i].download(1<<30, nil); err != nil {
			return err
		}
		return clients[i].upload(1 << 30)
	}); err != nil {
		return err
	}
	_, err = rendezvousThrough(s, 3000)
	return err
}

// guarded is our broker with guarded relays, and tunnels parked by this program.
func guarded(b *bench, home string) (*subject, error) {
	s, err := rendezvous(b, home, false)
	if err != nil {
		return nil, err
	}
	s.Name += guardedSuffix
	s.About += "; guarded relays, each request with an identity"
	launch := s.launch
	s.launch = func(s *subject, o options) error {
		o.set = append(o.set, "relay=guarded")
		err := launch(s, o)
		for _, l := range s.lanes {
			if l != nil {
				l.Guarded = true
			}
		}
		return err
	}
	return s, nil
}

// rendezvous is our broker on one Java; with its own agent, or with tunnels parked by this program.
func rendezvous(b *bench, home string, withAgent bool) (*subject, error) {
	java := filepath.Join(home, "bin", "java")
	output, err := exec.Command(java, "-version").CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("%s -version: %w", java, err)
	}
	version := string(output)
	if words := strings.SplitN(version, "\"", 3); len(words) == 3 {
		version = words[1]
	}
	name := "rendezvous, Java " + strings.SplitN(version, ".", 2)[0]
	if withAgent {
		name += agentSuffix
	}
	s := &subject{
		Name: name, Version: "Java " + version, Client: "TLS", Hidden: "TLS", jar: true, agent: withAgent,
		About: "tunnels parked by the generator, which resumes TLS sessions",
	}
	if withAgent {
		s.About = "tunnels parked by its own agent, before a server on bare TCP"
	}
	port := 0
	s.launch = func(s *subject, o options) error {
		port = freePort()
		entries := filepath.Join(s.directory, "entries")
		if err := os.Mkdir(entries, 0o755); err != nil {
			return err
		}
		for _, e := range o.entries {
			if err := e.store(entries); err != nil {
				return err
			}
		}
		for i := range s.lanes {
			e := newEntry()
			if err := e.store(entries); err != nil {
				return err
			}
			l := &lane{Front: local(port), FrontTLS: true, Entry: e, Park: !withAgent}
			if withAgent {
				l.Back = local(freePort())
			}
			s.lanes[i] = l
		}
		if err := s.broker("broker", serveCommand(b, java, port, o)...); err != nil || !withAgent {
			return err
		}
		for i, l := range s.lanes {
			file := filepath.Join(s.directory, fmt.Sprintf("entry%d.json", i))
			if err := l.Entry.provisioning(file, port, b.keys.pem); err != nil {
				return err
			}
			command := append([]string{java}, javaFlags(o.heap)...)
			command = append(command, "-jar", b.jar, "agent", "--entry", file, "--to", l.Back, "--json",
				"--tunnels", strconv.Itoa(pool), "--most-tunnels", strconv.Itoa(4*pool))
			if err := s.agentProcess(fmt.Sprintf("agent%d", i), command...); err != nil {
				return err
			}
		}
		return nil
	}
	s.live = func(s *subject) (float64, error) { return liveHeap(home, s.brokers[0]) }
	return s, nil
}

// serveCommand starts a broker without the limits that keep one source from taking it all, since
// here everything comes from one; and without its log of accesses, as the others are.
func serveCommand(b *bench, java string, port int, o options) []string {
	command := append([]string{java}, javaFlags(o.heap)...)
	for _, setting := range append([]string{
		"host=127.0.0.1", "port=" + strconv.Itoa(port),
		"tls.certificate=" + b.keys.certificate, "tls.key=" + b.keys.key,
		"store=file:entries", "tunnels-per-id=100000", "tunnel-age=1d",
		"limits.connections=100000", "limits.per-source=100000", "limits.waiting-per-id=100000",
		"access-log.enabled=false", "admin.enabled=false",
	}, o.set...) {
		command = append(command, "-Drendezvous."+setting)
	}
	return append(command, "-jar", b.jar, "serve")
}

// restart ends the broker as a crash does, and starts another in its place.
func (s *subject) restart(b *bench, home string, o options) error {
	s.brokers[0].kill()
	s.brokers = nil
	_, port, _ := strings.Cut(s.lanes[0].Front, ":")
	number, _ := strconv.Atoi(port)
	return s.broker("broker", serveCommand(b, filepath.Join(home, "bin", "java"), number, o)...)
}

// liveHeap counts the octets of live objects, with jmap of the same Java.
func liveHeap(home string, p *process) (float64, error) {
	command := exec.Command(filepath.Join(home, "bin", "jmap"), "-histo:live", strconv.Itoa(p.cmd.Process.Pid))
	timer := time.AfterFunc(time.Minute, func() {
		if command.Process != nil {
			command.Process.Kill()
		}
	})
	defer timer.Stop()
	output, err := command.Output()
	if err != nil {
		return 0, fmt.Errorf("jmap (a JDK is needed, not a JRE): %w", err)
	}
	for _, line := range bytes.Split(output, []byte("\n")) {
		if fields := strings.Fields(string(line)); len(fields) > 2 && fields[0] == "Total" {
			return strconv.ParseFloat(fields[2], 64)
		}
	}
	return 0, fmt.Errorf("jmap printed no total")
}

// probes tells whether the broker has the setting rendezvous.probe.
func probes(root string) bool {
	text, err := os.ReadFile(filepath.Join(root, "conf", "rendezvous.properties.example"))
	return err == nil && bytes.Contains(text, []byte("rendezvous.probe="))
}
