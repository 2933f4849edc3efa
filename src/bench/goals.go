package main

import (
	"fmt"
	"strings"
)

// goal is a figure that we have set ourselves. It is told whether it is met; nothing depends on it, since
// figures of a busy machine say little.
type goal struct {
	What     string `json:"what"`
	Subject  string `json:"subject"`
	Wanted   string `json:"wanted"`
	Measured string `json:"measured"`
	Met      bool   `json:"met"`
}

const nginxStreamName = "nginx stream"

func (r *report) hasAgent(name string) bool {
	for _, s := range r.Subjects {
		if s.Name == name {
			return s.agent
		}
	}
	return false
}

// goals compares each of our subjects with the figures that it is to reach.
func (r *report) goals() []goal {
	var all []goal
	for _, s := range r.Subjects {
		if !s.jar || s.agent || strings.HasSuffix(s.Name, guardedSuffix) {
			continue
		}
		add := func(what string, value float64, unit string, most bool, bound float64) {
			g := goal{What: what, Subject: s.Name, Wanted: "≥ " + number(bound) + unit,
				Measured: number(value) + unit, Met: value >= bound}
			if most {
				g.Wanted, g.Met = "≤ "+number(bound)+unit, value <= bound
			}
			all = append(all, g)
		}
		// ratio is to another subject's figure, at most or at least the bound. Those that have agents are compared
		// with our broker and agent.
		ratio := func(what, workload, key, other string, most bool, bound float64) {
			ours, there := r.median(workload, key, s.Name)
			if r.hasAgent(other) {
				ours, there = r.median(workload, key, s.Name+agentSuffix)
			}
			theirs, too := r.median(workload, key, other)
			if there && too && theirs > 0 {
				add(what+", to "+other+"'s", ours/theirs, " ×", most, bound)
			}
		}
		absolute := func(what, workload, key, unit string, most bool, bound float64) {
			if value, there := r.median(workload, key, s.Name); there {
				add(what, value, unit, most, bound)
			}
		}
		// toRaw is the ratio of guarded relays to raw ones.
		toRaw := func(what, workload string, bound float64) {
			raw, there := r.median(workload, "cpu", s.Name)
			value, too := r.median(workload, "cpu", s.Name+guardedSuffix)
			if there && too && raw > 0 {
				add(what+", guarded to raw", value/raw, " ×", true, bound)
			}
		}
		bulkBound := 0.90
		if !strings.Contains(s.Version, "Java 17") {
			bulkBound = 0.70 // the newest LTS
		}
		for _, direction := range []string{"down", "up"} {
			ratio("CPU per GiB, one stream, "+direction, direction+"1", "cpu", nginxStreamName, true, bulkBound)
			ratio("speed, one stream, "+direction, direction+"1", "wall", nginxStreamName, false, 1)
			for _, other := range r.Subjects {
				if other.agent && !other.jar && other.Hidden == "TLS" {
					ratio("speed, one stream, "+direction, direction+"1", "wall", other.Name, false, 1.3)
				}
			}
		}
		ratio("CPU per request, 32 kept connections", "requests32", "cpu", nginxStreamName, true, 1)
		for _, other := range r.Subjects {
			if other.agent && !other.jar {
				ratio("CPU per request, 32 kept connections", "requests32", "cpu", other.Name, true, 1)
			}
		}
		for _, direction := range []string{"down", "up"} {
			toRaw("CPU per GiB, one stream, "+direction, direction+"1", 1.05)
		}
		toRaw("CPU per request, 32 kept connections", "requests32", 1.25)
		absolute("CPU per full handshake", "handshakes", "cpu", " µs", true, 450)
		absolute("CPU per rendezvous", "rendezvous", "cpu", " ms", true, 0.8)
		absolute("rendezvous a second", "rendezvous", "rate", "", false, 1200)
		for _, n := range parkedSizes {
			absolute(fmt.Sprintf("heap per parked tunnel, of %d", n), "parked", fmt.Sprint("heap", n), " KB", true, 5.5)
			absolute(fmt.Sprintf("resident in all per parked tunnel, of %d", n), "parked", fmt.Sprint("all", n), " KB", true, 8)
		}
		absolute("heap per parked tunnel, its TLS session resumed", "parked-resumed", "heap5000", " KB", true, 5.5)
		absolute("resident in all per parked tunnel, its TLS session resumed", "parked-resumed", "all5000", " KB", true, 8)
		absolute("idle CPU with 15000 parked", "parked", "idle15000", " %", true, 1)
		if direct, there := r.median("latency", "p50", "direct"); there {
			for _, key := range []string{"p50", "p99"} {
				ours, there := r.median("latency", key, s.Name)
				theirs, too := r.median("latency", key, nginxStreamName)
				if key == "p99" {
					direct, _ = r.median("latency", key, "direct")
				}
				if there && too && theirs > direct {
					add("added latency of an octet there and back, "+key+", to nginx stream's",
						(ours-direct)/(theirs-direct), " ×", true, 1)
				}
			}
		}
		ratio("p99 of small requests beside 32 downloads", "mixed", "p99", nginxStreamName, true, 2)
		absolute("resident per stalled reader", "stalled", "all", " KiB", true, 160)
		absolute(fmt.Sprintf("%d hidden servers back after a restart", agentsBack), "reconnect", "back", " s", true, 15)
		absolute("requests that failed after that", "reconnect", "failures", "", true, 0)
	}
	return all
}
