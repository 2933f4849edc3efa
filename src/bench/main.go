// Command bench measures what the broker costs, beside others that do the same work, side by side and in
// turn. scripts/bench starts it, on a processor of its own; subjects run on another.
//
// Read main and bench.measure first, then workloads.go; rendezvous.go and peers.go say how each subject is
// started, wire.go what is sent through it.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"sort"
	"strings"
	"syscall"
	"time"
)

type bench struct {
	root    string // of the project
	scratch string // for configurations and logs
	cache   string // for programs that were built
	jar     string
	keys    *keys
	rounds  int
	quick   bool
	guarded bool // guarded relays are measured, too
	failed  bool // octets differed, or a subject of ours failed
}

func (b *bench) bin() string                { return filepath.Join(b.cache, "bin") }
func (b *bench) program(name string) string { return filepath.Join(b.bin(), name) }

// scale makes work smaller for a quick look.
func (b *bench) scale(n int) int {
	if b.quick {
		return (n + 9) / 10
	}
	return n
}

type list []string

func (l *list) String() string     { return strings.Join(*l, ",") }
func (l *list) Set(s string) error { *l = append(*l, strings.Split(s, ",")...); return nil }

func main() {
	if len(os.Args) == 2 && os.Args[1] == "load" {
		load()
		return
	}
	var javas, only, wanted list
	b := &bench{}
	flag.Var(&javas, "java", "a Java `home` for our broker; may be given several times")
	flag.Var(&only, "only", "only the workloads whose names begin so (`NAME,…`); \"list\" shows all")
	flag.Var(&wanted, "peers", "`NAME,…`, \"all\" or \"none\" (default: nginx-stream); \"agent\" is our own agent; \"list\" shows all")
	flag.BoolVar(&b.guarded, "guarded", false, "our broker with guarded relays, too, beside itself with raw ones")
	flag.IntVar(&b.rounds, "rounds", 3, "how often each is measured, after those that warm it up")
	flag.BoolVar(&b.quick, "quick", false, "a tenth of the work, in one round, to see that all works")
	out := flag.String("out", "target/bench", "where results go")
	flag.StringVar(&b.root, "root", ".", "of the project")
	flag.Parse()
	if flag.NArg() > 0 {
		fail("not understood: %s", strings.Join(flag.Args(), " "))
	}
	if b.quick {
		b.rounds = 1
	}
	if has(only, "list") {
		for _, w := range workloads {
			fmt.Printf("%-14s %s\n", w.name, w.title)
		}
		return
	}
	if has(wanted, "list") {
		for _, p := range peers {
			fmt.Println(p.name)
		}
		for _, name := range leftOutNames() {
			fmt.Printf("(not: %s: %s)\n", name, leftOut[name])
		}
		return
	}
	for _, name := range wanted {
		if !has(append(peerNames(), "all", "none", "agent"), name) {
			fail("no peer %q; there are %s", name, strings.Join(peerNames(), ", "))
		}
	}
	for _, name := range only {
		if !anyWorkload(name) {
			fail("no workload begins with %q; --only list names them", name)
		}
	}
	if err := b.prepare(*out); err != nil {
		fail("%v", err)
	}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	go func() {
		<-signals
		killAll()
		os.Exit(130)
	}()
	r := newReport(b)
	subjects := b.subjects(javas, wanted, r)
	began := time.Now()
	for _, w := range workloads {
		if selected(w.name, only) && (w.when == nil || w.when(b)) {
			b.measure(w, subjects, r, *out)
		}
	}
	killAll()
	r.Minutes = time.Since(began).Minutes()
	if err := r.write(*out); err != nil {
		fail("%v", err)
	}
	fmt.Print(r.table())
	progress("%.1f minutes; %s/bench.{md,json} and charts\n", r.Minutes, *out)
	if b.failed {
		fail("a subject of ours failed, or octets differed: see above")
	}
}

func fail(format string, arguments ...any) {
	killAll()
	fmt.Fprintf(os.Stderr, format+"\n", arguments...)
	os.Exit(1)
}

func peerNames() list {
	var names list
	for _, p := range peers {
		names = append(names, p.name)
	}
	return names
}

func leftOutNames() list {
	var names list
	for name := range leftOut {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

func anyWorkload(prefix string) bool {
	for _, w := range workloads {
		if strings.HasPrefix(w.name, prefix) {
			return true
		}
	}
	return false
}

func has(l list, word string) bool {
	for _, one := range l {
		if one == word {
			return true
		}
	}
	return false
}

func selected(name string, only list) bool {
	if len(only) == 0 {
		return true
	}
	for _, prefix := range only {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}

// fileName is a name without blanks and the like.
func fileName(name string) string {
	return strings.Trim(regexp.MustCompile(`[^A-Za-z0-9]+`).ReplaceAllString(name, "-"), "-")
}

func (b *bench) prepare(out string) error {
	var err error
	if b.root, err = filepath.Abs(b.root); err != nil {
		return err
	}
	b.jar = filepath.Join(b.root, "target", "rendezvous.jar")
	b.scratch = filepath.Join(b.root, "target", "bench", "run")
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = filepath.Join(b.root, "target")
	}
	b.cache = filepath.Join(cache, "rendezvous-bench")
	for _, directory := range []string{out, b.scratch, b.bin()} {
		if err := os.MkdirAll(directory, 0o755); err != nil {
			return err
		}
	}
	b.keys, err = makeKeys(b.scratch)
	return err
}

// subjects lists what is measured: the generator alone, our broker on each Java, and the peers.
func (b *bench) subjects(javas, wanted list, r *report) []*subject {
	if len(javas) == 0 {
		javas = list{defaultJava()}
	}
	if len(wanted) == 0 {
		wanted = list{"nginx-stream"}
	}
	subjects := []*subject{direct()}
	tunnels := false
	var others []*subject
	for _, p := range peers {
		if !has(wanted, p.name) && !has(wanted, "all") {
			continue
		}
		version, err := p.install(b)
		if err != nil {
			r.note("%s is left out: %v", p.name, err)
			continue
		}
		s := p.make(b)
		s.Version = version
		tunnels = tunnels || s.agent
		others = append(others, s)
	}
	for _, home := range javas {
		for _, withAgent := range []bool{false, true} {
			if withAgent && !tunnels && !has(wanted, "agent") {
				continue // only beside those that have agents too
			}
			s, err := rendezvous(b, home, withAgent)
			if err != nil {
				fail("%v", err)
			}
			s.home = home
			subjects = append(subjects, s)
		}
		if b.guarded {
			s, err := guarded(b, home)
			if err != nil {
				fail("%v", err)
			}
			s.home = home
			subjects = append(subjects, s)
		}
	}
	if has(wanted, "all") {
		for _, name := range leftOutNames() {
			r.note("%s: not here, %s", name, leftOut[name])
		}
	}
	r.Subjects = append(subjects, others...)
	return r.Subjects
}

func defaultJava() string {
	if home := os.Getenv("JAVA_HOME"); home != "" {
		return home
	}
	java, err := exec.LookPath("java")
	if err == nil {
		java, err = filepath.EvalSymlinks(java)
	}
	if err != nil {
		fail("no Java: %v", err)
	}
	return filepath.Dir(filepath.Dir(java))
}

// direct is the generator with nothing in between: what it can do at most.
func direct() *subject {
	s := &subject{Name: "direct", Version: "-", Client: "TLS", Hidden: "-",
		About: "the generator's client and server without anything between: the ceiling of wall speed"}
	s.launch = func(s *subject, _ options) error {
		for i := range s.lanes {
			address := local(freePort())
			s.lanes[i] = &lane{Front: address, FrontTLS: true, Back: address, BackTLS: true}
		}
		return nil
	}
	return s
}

// measure runs a workload through all subjects, in turn, and keeps the figures.
func (b *bench) measure(w *workload, subjects []*subject, r *report, out string) {
	result := r.begin(w)
	var able []*subject
	for _, s := range subjects {
		if why := w.unfit(s); why != "" {
			if why != "-" {
				result.leaveOut(s, why)
			}
			continue
		}
		able = append(able, s)
	}
	if w.fresh {
		for _, s := range subjects {
			s.stop()
		}
		for round := 0; round < w.roundsOf(b); round++ {
			for _, s := range able {
				b.once(w, s, result, round)
			}
		}
	} else {
		for _, s := range able {
			b.untilWarm(s, func() error { return b.once(w, s, result, -1) })
		}
		for round := 0; round < w.roundsOf(b); round++ {
			for _, s := range able {
				b.once(w, s, result, round)
			}
		}
	}
	if err := r.write(out); err != nil { // after each: a bench that is broken off has results too
		fail("%v", err)
	}
}

// Rounds that warm a subject up, at least and, while its compilers are at work, at most.
const warmUps, mostWarmUps = 2, 30

// untilWarm has a subject do the work until it does it no faster for that: a Java, until its compilers
// are quiet.
func (b *bench) untilWarm(s *subject, work func() error) error {
	for round := 1; ; round++ {
		compiling, used := compilers(s.brokers), cpu(s.brokers)
		if err := work(); err != nil {
			return err
		}
		compiling, used = compilers(s.brokers)-compiling, cpu(s.brokers)-used
		if b.quick || round >= warmUps && (compiling <= used/100 || round >= mostWarmUps) {
			return nil
		}
	}
}

// once runs it through one subject.
func (b *bench) once(w *workload, s *subject, result *result, round int) error {
	if why := result.Failed[s.Name]; why != "" {
		return errors.New(why)
	}
	progress("%s %-14s %-28s ", time.Now().Format("15:04:05"), w.name, s.Name)
	began := time.Now()
	figures, err := b.attempt(w, s)
	if corrupt := s.corruption(); corrupt != nil {
		err = corrupt
	}
	if w.fresh {
		s.stop()
	}
	if err != nil {
		if round >= 0 {
			result.add(s, figures) // as far as it came
		}
		progress("FAILED after %.0f s: %v\n", time.Since(began).Seconds(), err)
		b.failed = b.failed || s.jar || errors.Is(err, errCorrupt)
		result.fail(s, err)
		s.stop() // whatever is left of it
		return err
	}
	progress("%5.1f s  %s\n", time.Since(began).Seconds(), w.brief(figures))
	if round >= 0 {
		result.add(s, figures)
	}
	return nil
}

// patience is how long one run of a workload may take; the longest takes four minutes.
const patience = 10 * time.Minute

func (b *bench) attempt(w *workload, s *subject) (figures, error) {
	if !w.fresh && s.lanes[0] == nil {
		err := s.start(b, options{})
		if err == nil && s.jar && !b.quick {
			progress("(warms up first) ")
			err = s.exercise()
		}
		if err != nil {
			return nil, err
		}
	}
	type outcome struct {
		figures figures
		err     error
	}
	results := make(chan outcome, 1)
	go func() {
		f, err := w.run(b, s)
		results <- outcome{f, err}
	}()
	select {
	case o := <-results:
		return o.figures, o.err
	case <-time.After(patience):
		s.kill()
		<-results // the work has ended too, before what it uses is taken away
		return nil, fmt.Errorf("not done within %v", patience)
	}
}
