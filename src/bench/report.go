package main

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sort"
	"strings"
	"time"
)

// report is all that was found, as it stands in bench.json.
type report struct {
	Started  time.Time  `json:"started"`
	Minutes  float64    `json:"minutes"`
	Machine  string     `json:"machine"`
	Commit   string     `json:"commit"`
	Rounds   int        `json:"rounds"`
	Quick    bool       `json:"quick"`
	Notes    []string   `json:"notes"`
	Subjects []*subject `json:"subjects"`
	Results  []*result  `json:"workloads"`
	Growth   []growth   `json:"growth"`
	Goals    []goal     `json:"goals"`
}

type result struct {
	Name   string                        `json:"name"`
	Title  string                        `json:"title"`
	Lines  []line                        `json:"lines"`
	Found  map[string]map[string]*spread `json:"figures"` // by key and subject
	Failed map[string]string             `json:"failed,omitempty"`
	Unfit  []unfit                       `json:"unfit,omitempty"`
	family string
}

// unfit says why a workload says nothing of some subjects.
type unfit struct {
	Subjects []string `json:"subjects"`
	Why      string   `json:"why"`
}

// spread is a figure of all rounds.
type spread struct {
	Median float64   `json:"median"`
	Min    float64   `json:"min"`
	Max    float64   `json:"max"`
	All    []float64 `json:"rounds"`
}

func (s *spread) add(value float64) {
	s.All = append(s.All, value)
	sorted := append([]float64{}, s.All...)
	sort.Float64s(sorted)
	n := len(sorted)
	s.Min, s.Max, s.Median = sorted[0], sorted[n-1], (sorted[(n-1)/2]+sorted[n/2])/2
}

func newReport(b *bench) *report {
	commit, _ := exec.Command("git", "-C", b.root, "describe", "--always", "--dirty").Output()
	r := &report{
		Started: time.Now().UTC(), Rounds: b.rounds, Quick: b.quick,
		Machine: machine(), Commit: strings.TrimSpace(string(commit)),
	}
	r.note("The broker's processes alone on one processor; the generator, hidden servers and agents on another. " +
		"CPU is the broker's processes', user and system, the kernel's part of it included.")
	r.note("Every octet of a body that is received is compared with what was sent.")
	return r
}

func machine() string {
	model := runtime.GOARCH
	if text, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for _, l := range strings.Split(string(text), "\n") {
			if strings.HasPrefix(l, "model name") {
				_, model, _ = strings.Cut(l, ": ")
				break
			}
		}
	}
	kernel, _ := exec.Command("uname", "-sr").Output()
	count, _ := exec.Command("getconf", "_NPROCESSORS_ONLN").Output()
	return fmt.Sprintf("%s processors, %s, %s, loopback only", strings.TrimSpace(string(count)), model,
		strings.TrimSpace(string(kernel)))
}

func (r *report) note(format string, arguments ...any) {
	text := fmt.Sprintf(format, arguments...)
	r.Notes = append(r.Notes, text)
	if strings.Contains(text, "left out") {
		progress("%s\n", text)
	}
}

func (r *report) begin(w *workload) *result {
	one := &result{Name: w.name, Title: w.title, Lines: w.lines, family: w.family,
		Found: map[string]map[string]*spread{}, Failed: map[string]string{}}
	r.Results = append(r.Results, one)
	return one
}

func (r *result) add(s *subject, f figures) {
	for key, value := range f {
		if math.IsNaN(value) || math.IsInf(value, 0) {
			continue
		}
		if r.Found[key] == nil {
			r.Found[key] = map[string]*spread{}
		}
		if r.Found[key][s.Name] == nil {
			r.Found[key][s.Name] = &spread{}
		}
		r.Found[key][s.Name].add(value)
	}
}

// leaveOut keeps in mind why the workload is not done through a subject.
func (r *result) leaveOut(s *subject, why string) {
	for i := range r.Unfit {
		if r.Unfit[i].Why == why {
			r.Unfit[i].Subjects = append(r.Unfit[i].Subjects, s.Name)
			return
		}
	}
	r.Unfit = append(r.Unfit, unfit{[]string{s.Name}, why})
}

func (r *result) fail(s *subject, err error) { r.Failed[s.Name] = err.Error() }

// median looks a figure up.
func (r *report) median(workload, key, subject string) (float64, bool) {
	for _, one := range r.Results {
		if one.Name == workload {
			if found := one.Found[key][subject]; found != nil {
				return found.Median, true
			}
		}
	}
	return 0, false
}

// number has three digits that count.
func number(value float64) string {
	size := math.Abs(value)
	switch {
	case size >= 100 || value == math.Trunc(value):
		return fmt.Sprintf("%.0f", value)
	case size >= 10:
		return fmt.Sprintf("%.1f", value)
	case size >= 1:
		return fmt.Sprintf("%.2f", value)
	}
	return fmt.Sprintf("%.3f", value)
}

// write puts the table, the JSON and the charts there.
func (r *report) write(out string) error {
	r.Growth, r.Goals = r.growths(), r.goals()
	text, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(out, "bench.json"), append(text, '\n'), 0o644); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(out, "bench.md"), []byte(r.table()), 0o644); err != nil {
		return err
	}
	return r.charts(out)
}

// table is the report in Markdown: a line for each figure, a column for each subject.
func (r *report) table() string {
	var t strings.Builder
	fmt.Fprintf(&t, "%s; %s, commit %s; medians of %d round%s in turn (one where a subject is started for it, but two for reconnect; two for mixed)", r.Machine, r.Started.Format("2006-01-02"),
		r.Commit, r.Rounds, plural(r.Rounds))
	if r.Quick {
		t.WriteString("; **a quick run, a tenth of the work: no figures to keep**")
	}
	t.WriteString("\n\n| subject | version | clients | hidden side | |\n|---|---|---|---|---|\n")
	for _, s := range r.Subjects {
		fmt.Fprintf(&t, "| %s | %s | %s | %s | %s |\n", s.Name, s.Version, s.Client, s.Hidden, s.About)
	}
	t.WriteString("\n| workload | figure |")
	for _, s := range r.Subjects {
		t.WriteString(" " + s.Name + " |")
	}
	t.WriteString("\n|---|---|" + strings.Repeat("---:|", len(r.Subjects)) + "\n")
	for _, one := range r.Results {
		title := one.Title
		for i, l := range one.Lines {
			if len(one.Found[l.Key]) == 0 && (i > 0 || len(one.Failed) == 0) {
				continue
			}
			figure := l.Title
			if l.Unit != "" {
				figure += ", " + l.Unit
			}
			fmt.Fprintf(&t, "| %s | %s |", title, figure)
			title = ""
			for _, s := range r.Subjects {
				cell := ""
				if found := one.Found[l.Key][s.Name]; found != nil {
					cell = number(found.Median)
				} else if one.Failed[s.Name] != "" {
					cell = "failed"
				}
				t.WriteString(" " + cell + " |")
			}
			t.WriteString("\n")
		}
	}
	for i, g := range r.Growth {
		if i == 0 {
			t.WriteString("\n| growth | to |")
			for _, s := range r.Subjects {
				t.WriteString(" " + s.Name + " |")
			}
			t.WriteString("\n|---|---|" + strings.Repeat("---:|", len(r.Subjects)) + "\n")
		}
		fmt.Fprintf(&t, "| %s | %s |", g.What, g.To)
		for _, s := range r.Subjects {
			cell := ""
			if ratio, there := g.Ratios[s.Name]; there {
				cell = fmt.Sprintf("× %.2f", ratio)
			}
			t.WriteString(" " + cell + " |")
		}
		t.WriteString("\n")
	}
	r.goalTable(&t)
	t.WriteString("\n")
	for _, note := range r.Notes {
		fmt.Fprintf(&t, "- %s\n", note)
	}
	for _, one := range r.Results {
		for _, u := range one.Unfit {
			fmt.Fprintf(&t, "- %s: not with %s: %s\n", one.Name, strings.Join(u.Subjects, ", "), u.Why)
		}
		for name, why := range one.Failed {
			fmt.Fprintf(&t, "- %s: **%s failed**: %s\n", one.Name, name, strings.ReplaceAll(why, "\n", " "))
		}
	}
	return t.String()
}

// goalTable has a line for each goal, a column for each subject of ours.
func (r *report) goalTable(t *strings.Builder) {
	var rows, ours []string
	cells := map[string]map[string]string{}
	for _, g := range r.Goals {
		row := fmt.Sprintf("| %s | %s |", g.What, g.Wanted)
		if cells[row] == nil {
			rows, cells[row] = append(rows, row), map[string]string{}
		}
		if !has(ours, g.Subject) {
			ours = append(ours, g.Subject)
		}
		cells[row][g.Subject] = "**missed**: " + g.Measured
		if g.Met {
			cells[row][g.Subject] = "met: " + g.Measured
		}
	}
	if len(rows) == 0 {
		return
	}
	fmt.Fprintf(t, "\n| goal | wanted | %s |\n|---|---:|%s\n", strings.Join(ours, " | "), strings.Repeat("---:|", len(ours)))
	for _, row := range rows {
		t.WriteString(row)
		for _, name := range ours {
			fmt.Fprintf(t, " %s |", cells[row][name])
		}
		t.WriteString("\n")
	}
}

// growth is what becomes of a figure from small to large; 1 is as it should be.
type growth struct {
	What   string             `json:"what"`
	To     string             `json:"to"`
	Ratios map[string]float64 `json:"ratios"`
}

func (r *report) growths() []growth {
	var all []growth
	for _, g := range []struct{ what, to, smallest, smallKey, largest, largeKey string }{
		{"CPU per GiB, one download", "32", "down1", "cpu", "down32", "cpu"},
		{"CPU per GiB, one upload", "32", "up1", "cpu", "up32", "cpu"},
		{"CPU per request, 32 connections", "256", "requests32", "cpu", "requests256", "cpu"},
		{"heap per tunnel, 1000 parked", "15000", "parked", "heap1000", "parked", "heap15000"},
		{"resident in all per tunnel, 1000 parked", "15000", "parked", "all1000", "parked", "all15000"},
		{"resident in all per pair, 1000 pairs", "4000", "pairs", "all1000", "pairs", "all4000"},
	} {
		one := growth{g.what, g.to, map[string]float64{}}
		for _, s := range r.Subjects {
			from, there := r.median(g.smallest, g.smallKey, s.Name)
			to, too := r.median(g.largest, g.largeKey, s.Name)
			if there && too && from > 0 {
				one.Ratios[s.Name] = to / from
			}
		}
		if len(one.Ratios) > 0 {
			all = append(all, one)
		}
	}
	return all
}
