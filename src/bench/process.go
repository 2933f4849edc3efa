package main

import (
	"fmt"
	"math/rand"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Subjects have one processor for themselves; this program, hidden servers and agents the other.
const (
	subjectCore   = "0"
	generatorCore = "1"
)

const ticksPerSecond = 100 // of /proc/PID/stat; Linux says so to all programs

// process is one that we have started, with what it starts itself.
type process struct {
	cmd  *exec.Cmd
	log  string
	gone chan struct{}
}

var running = struct {
	sync.Mutex
	all map[*process]bool
}{all: map[*process]bool{}}

// run starts a program on one processor, in a process group of its own, its output in a file.
func run(core, directory, name string, command ...string) (*process, error) {
	p := &process{log: filepath.Join(directory, name+".log"), gone: make(chan struct{})}
	output, err := os.OpenFile(p.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, err
	}
	defer output.Close()
	p.cmd = exec.Command("taskset", append([]string{"-c", core}, command...)...)
	p.cmd.Dir = directory
	p.cmd.Stdout, p.cmd.Stderr = output, output
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	running.Lock()
	running.all[p] = true
	running.Unlock()
	go func() {
		p.cmd.Wait()
		close(p.gone)
	}()
	return p, nil
}

// kill ends the process and its children at once.
func (p *process) kill() {
	syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
	<-p.gone
	running.Lock()
	delete(running.all, p)
	running.Unlock()
}

func killAll() {
	running.Lock()
	var all []*process
	for p := range running.all {
		all = append(all, p)
	}
	running.Unlock()
	for _, p := range all {
		p.kill()
	}
}

// said returns the end of what it has printed.
func (p *process) said() string {
	text, _ := os.ReadFile(p.log)
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	if len(lines) > 5 {
		lines = lines[len(lines)-5:]
	}
	return strings.Join(lines, " | ")
}

// pids are its own and its children's; nginx works in a child.
func (p *process) pids() []int {
	pids := []int{p.cmd.Process.Pid}
	for i := 0; i < len(pids); i++ {
		tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pids[i]))
		for _, task := range tasks {
			text, _ := os.ReadFile(task)
			for _, word := range strings.Fields(string(text)) {
				if pid, err := strconv.Atoi(word); err == nil {
					pids = append(pids, pid)
				}
			}
		}
	}
	return pids
}

// cpu is the processor time used so far, in seconds.
func cpu(processes []*process) float64 {
	return ticks(processes, "", "")
}

// compilers is what of that the compilers of a Java have used.
func compilers(processes []*process) float64 {
	return ticks(processes, "task/*/", "CompilerThre")
}

// ticks sums up the processor time of processes, or of those of their threads that are called so.
func ticks(processes []*process, threads, called string) float64 {
	ticks := 0
	for _, p := range processes {
		for _, pid := range p.pids() {
			files, _ := filepath.Glob(fmt.Sprintf("/proc/%d/%sstat", pid, threads))
			for _, file := range files {
				text, _ := os.ReadFile(file)
				name, figures, _ := cutLast(string(text), ")") // names may hold anything
				fields := strings.Fields(figures)
				if len(fields) < 13 || !strings.Contains(name, called) {
					continue
				}
				for _, field := range fields[11:13] { // user and system
					n, _ := strconv.Atoi(field)
					ticks += n
				}
			}
		}
	}
	return float64(ticks) / ticksPerSecond
}

func cutLast(text, separator string) (before, after string, found bool) {
	if i := strings.LastIndex(text, separator); i >= 0 {
		return text[:i], text[i+len(separator):], true
	}
	return text, "", false
}

// resident is the memory that the processes have in RAM, in octets.
func resident(processes []*process) float64 {
	sum := 0
	for _, p := range processes {
		for _, pid := range p.pids() {
			text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
			if fields := strings.Fields(string(text)); len(fields) > 1 {
				pages, _ := strconv.Atoi(fields[1])
				sum += pages * os.Getpagesize()
			}
		}
	}
	return float64(sum)
}

// descriptors counts the open ones.
func descriptors(processes []*process) float64 {
	sum := 0
	for _, p := range processes {
		for _, pid := range p.pids() {
			entries, _ := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
			sum += len(entries)
		}
	}
	return float64(sum)
}

// freePort finds one below those that the kernel gives to outgoing connections.
func freePort() int {
	for {
		port := 10000 + rand.Intn(20000)
		if listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
			listener.Close()
			return port
		}
	}
}

func local(port int) string { return fmt.Sprintf("127.0.0.1:%d", port) }

// until waits for a condition.
func until(limit time.Duration, condition func() error) error {
	for end := time.Now().Add(limit); ; time.Sleep(50 * time.Millisecond) {
		err := condition()
		if err == nil || time.Now().After(end) {
			return err
		}
	}
}

func portOf(address string) string {
	_, port, _ := net.SplitHostPort(address)
	return port
}

// awaitPort waits until somebody listens, for agents that do not try again.
func awaitPort(port int) {
	until(10*time.Second, func() error {
		c, err := net.Dial("tcp", local(port))
		if err == nil {
			c.Close()
		}
		return err
	})
}
