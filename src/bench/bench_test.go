package main

import (
	"errors"
	"net"
	"strings"
	"testing"
	"time"
)

func TestTokensAreThoseOfRFC6238(t *testing.T) {
	e := entry{Secret: "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"} // 12345678901234567890
	for now, want := range map[int64]string{59: "94287082", 1111111109: "07081804", 20000000000: "65353130"} {
		if got := e.token(time.Unix(now, 0)); got != want {
			t.Errorf("at %d: %s, not %s", now, got, want)
		}
	}
}

// through lets a client download from a hidden server, with what lies between free to touch the octets.
func through(t *testing.T, size int64, touch func(all int64, octets []byte)) error {
	front, back := net.Pipe()
	clientEnd, brokerEnd := net.Pipe()
	hidden, _ := newConn(back, nil)
	go hidden.serve()
	go func() { // to the hidden server
		buffer := make([]byte, 4096)
		for {
			n, err := brokerEnd.Read(buffer)
			if err != nil {
				return
			}
			front.Write(buffer[:n])
		}
	}()
	go func() { // from it
		all := int64(0)
		buffer := make([]byte, 65536)
		for {
			n, err := front.Read(buffer)
			if err != nil {
				return
			}
			touch(all, buffer[:n])
			all += int64(n)
			brokerEnd.Write(buffer[:n])
		}
	}()
	c, _ := newConn(clientEnd, nil)
	defer c.Close()
	c.SetDeadline(time.Now().Add(20 * time.Second))
	asking := &client{conn: c}
	if err := asking.small(); err != nil {
		return err
	}
	return asking.download(size, nil)
}

func TestWhatPassesUntouchedIsWhole(t *testing.T) {
	for _, size := range []int64{0, 1, blockLength - 1, blockLength + 1, bulkSize + 12345} {
		if err := through(t, size, func(int64, []byte) {}); err != nil {
			t.Errorf("%d octets: %v", size, err)
		}
	}
}

func TestOneOctetThatDiffersIsSeen(t *testing.T) {
	const at = 5_000_000
	err := through(t, bulkSize, func(all int64, octets []byte) {
		if all <= at && at < all+int64(len(octets)) {
			octets[at-all] ^= 1
		}
	})
	if !errors.Is(err, errCorrupt) {
		t.Errorf("not seen: %v", err)
	}
}

func TestMediansAreOfAllRounds(t *testing.T) {
	var s spread
	for _, value := range []float64{9, 1, 4, 2} {
		s.add(value)
	}
	if s.Median != 3 || s.Min != 1 || s.Max != 9 {
		t.Errorf("%+v", s)
	}
}

func TestAGoalIsALineAndASubjectAColumn(t *testing.T) {
	r := &report{Goals: []goal{
		{What: "speed", Subject: "new", Wanted: "≥ 1 ×", Measured: "2 ×", Met: true},
		{What: "CPU", Subject: "new", Wanted: "≤ 0.7 ×", Measured: "0.8 ×"},
		{What: "speed", Subject: "old", Wanted: "≥ 1 ×", Measured: "0.5 ×"},
		{What: "CPU", Subject: "old", Wanted: "≤ 0.9 ×", Measured: "0.8 ×", Met: true},
	}}
	want := `
| goal | wanted | new | old |
|---|---:|---:|---:|
| speed | ≥ 1 × | met: 2 × | **missed**: 0.5 × |
| CPU | ≤ 0.7 × | **missed**: 0.8 × |  |
| CPU | ≤ 0.9 × |  | met: 0.8 × |
`
	if got := r.table(); !strings.Contains(got, want) {
		t.Errorf("%s", got)
	}
}

func TestWhatIsLeftOutForOneReasonStandsInOneLine(t *testing.T) {
	r := &report{}
	w := r.begin(&workload{name: "w"})
	w.leaveOut(&subject{Name: "a"}, "too old")
	w.leaveOut(&subject{Name: "b"}, "too new")
	w.leaveOut(&subject{Name: "c"}, "too old")
	if got := r.table(); !strings.Contains(got, "- w: not with a, c: too old\n- w: not with b: too new\n") {
		t.Errorf("%s", got)
	}
}
