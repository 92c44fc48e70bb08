package event

import (
	"fmt"
	"testing"
)

func TestEvent(t *testing.T) {
	var e Event
	for round := range 3 {
		e.Reset(round)
		if e.Source() != round || e.Len() != 0 || e.First(2) >= 0 {
			t.Fatalf("round %d: not empty", round)
		}
		e.Add(2, []byte("x"))
		e.AddString(0, "y")
		e.AddString(2, "")
		e.AddString(2, "z")
		got := ""
		for i := e.First(2); i >= 0; i = e.Next(i) {
			f, text := e.At(i)
			got += fmt.Sprintf("%d=%s,", f, text)
		}
		if got != "2=x,2=,2=z," {
			t.Errorf("field 2: %s", got)
		}
		for f, want := range map[Field]string{-1: "", 0: "y", 1: "", 2: "x", 3: "", 1000: ""} {
			if text, ok := e.Value(f); string(text) != want || ok != (want != "") {
				t.Errorf("field %d: %q, %v", f, text, ok)
			}
		}
	}
}

func TestEventAllocatesNothing(t *testing.T) {
	var e Event
	text := []byte("text")
	if n := testing.AllocsPerRun(100, func() {
		e.Reset(0)
		for f := range Field(20) {
			e.Add(f, text)
			e.AddString(f, "copied")
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestLogsource(t *testing.T) {
	linux, auditd := Logsource{Product: "linux"}, Logsource{Product: "linux", Service: "auditd"}
	if !linux.Covers(auditd) || auditd.Covers(linux) || !(Logsource{}).Covers(linux) || (Logsource{Category: "x"}).Covers(auditd) {
		t.Error("wrong events are covered")
	}
	if got := (Logsource{Product: "linux", Category: "file_event", Service: "x"}).String(); got != "product linux, category file_event, service x" {
		t.Error(got)
	}
}
