package wire

import (
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"seawall/pkg/finding"
	"seawall/pkg/text"
	seawallv1 "seawall/proto/seawall/v1"
)

func genDetection(t *rapid.T) *finding.Detection {
	u, few := rapid.Uint32(), rapid.IntRange(0, 3)
	d := &finding.Detection{
		ID: rapid.StringMatching(`[0-9a-f]{1,32}`).Draw(t, "storm"), Rule: genID(t), Title: genText(t),
		Severity:   finding.Severity(rapid.IntRange(0, 5).Draw(t, "severity")),
		Techniques: rapid.SliceOfN(rapid.StringMatching(`T1[0-9]{3}(\.00[1-9])?`), 0, 3).Draw(t, "techniques"), Description: genText(t),
		FalsePositives: rapid.SliceOfN(rapid.Custom(genText), 0, 3).Draw(t, "false positives"),
		Count:          rapid.Uint64Min(1).Draw(t, "count"), First: genTime(t), Last: genTime(t),
		Group: rapid.SliceOfN(rapid.Custom(genText), 0, 3).Draw(t, "group"), Ended: rapid.Bool().Draw(t, "ended"),
	}
	for range few.Draw(t, "samples") {
		s := finding.Sample{
			Time: genTime(t), Serial: rapid.Uint64().Draw(t, "serial"), Command: genText(t), Target: genText(t), Syscall: genText(t),
			Claimed: rapid.Bool().Draw(t, "claimed"), Records: rapid.SliceOfN(rapid.Custom(genText), 0, 3).Draw(t, "records"),
			Actor: finding.Actor{
				AUID: u.Draw(t, "auid"), Login: genText(t), UID: u.Draw(t, "uid"), User: genText(t), Session: u.Draw(t, "session"),
				From: genText(t), Via: genText(t), Program: genText(t), Text: genText(t),
			},
		}
		for range few.Draw(t, "ancestry") {
			s.Ancestry = append(s.Ancestry, finding.Process{PID: u.Draw(t, "pid"), Exe: genText(t), Command: genText(t)})
		}
		d.Samples = append(d.Samples, s)
	}
	return d
}

func detection(edit func(*finding.Detection)) Record {
	d := &finding.Detection{ID: "0a1b", Rule: "shell-reverse", Count: 1}
	edit(d)
	return Record{Detection: d}
}

func TestEncodeRefusesDetections(t *testing.T) {
	long := strings.Repeat("x", text.Limit+1)
	tests := []struct {
		name, field string
		edit        func(*finding.Detection)
	}{
		{"no id", "id", func(d *finding.Detection) { d.ID = "" }},
		{"long id", "id", func(d *finding.Detection) { d.ID = strings.Repeat("a", 33) }},
		{"capital id", "id", func(d *finding.Detection) { d.ID = "0A" }},
		{"path as id", "id", func(d *finding.Detection) { d.ID = "../a" }},
		{"no rule", "rule", func(d *finding.Detection) { d.Rule = "" }},
		{"long rule", "rule", func(d *finding.Detection) { d.Rule = strings.Repeat("r", 65) }},
		{"no event", "count", func(d *finding.Detection) { d.Count = 0 }},
		{"severity", "severity", func(d *finding.Detection) { d.Severity = 6 }},
		{"long title", "title", func(d *finding.Detection) { d.Title = long }},
		{"bad technique", "techniques", func(d *finding.Detection) { d.Techniques = []string{"\xff"} }},
		{"early", "first_unix_nano", func(d *finding.Detection) { d.First = time.Unix(-1, 0) }},
		{"late", "last_unix_nano", func(d *finding.Detection) { d.Last = time.Unix(1<<40, 0) }},
		{"long command", "samples.command", func(d *finding.Detection) { d.Samples = []finding.Sample{{Command: long}} }},
		{"bad login", "samples.actor.login", func(d *finding.Detection) { d.Samples = []finding.Sample{{Actor: finding.Actor{Login: "\xff"}}} }},
		{"long exe", "samples.ancestry.exe", func(d *finding.Detection) { d.Samples = []finding.Sample{{Ancestry: []finding.Process{{Exe: long}}}} }},
	}
	for _, tt := range tests {
		_, err := Encode(detection(tt.edit))
		var e *Error
		if !errors.As(err, &e) || e.Field != "detection."+tt.field {
			t.Errorf("%s: error %v, want one of field detection.%s", tt.name, err, tt.field)
		}
	}
}

// TestDecodeRefusesDetections forges with the generated code what Encode would not
// make, since it shortens lists.
func TestDecodeRefusesDetections(t *testing.T) {
	words := func(n, size int) []string {
		out := make([]string, n)
		for i := range out {
			out[i] = strings.Repeat("w", size)
		}
		return out
	}
	sample := func(s *seawallv1.Sample) func(*seawallv1.Detection) {
		return func(d *seawallv1.Detection) { d.Samples = []*seawallv1.Sample{s} }
	}
	processes := make([]*seawallv1.Process, maxAncestry+1)
	for i := range processes {
		processes[i] = &seawallv1.Process{}
	}
	samples := make([]*seawallv1.Sample, maxSamples+1)
	for i := range samples {
		samples[i] = &seawallv1.Sample{}
	}
	tests := []struct {
		field string
		edit  func(*seawallv1.Detection)
	}{
		{"id", func(d *seawallv1.Detection) { d.Id = "g" }},
		{"rule", func(d *seawallv1.Detection) { d.Rule = strings.Repeat("r", 65) }},
		{"count", func(d *seawallv1.Detection) { d.Count = 0 }},
		{"severity", func(d *seawallv1.Detection) { d.Severity = 6 }},
		{"techniques", func(d *seawallv1.Detection) { d.Techniques = words(maxTechniques+1, 1) }},
		{"techniques", func(d *seawallv1.Detection) { d.Techniques = words(1, maxTechnique+1) }},
		{"false_positives", func(d *seawallv1.Detection) { d.FalsePositives = words(maxFalsePositives+1, 1) }},
		{"false_positives", func(d *seawallv1.Detection) { d.FalsePositives = words(1, maxFalsePositive+1) }},
		{"group", func(d *seawallv1.Detection) { d.Group = words(maxGroup+1, 1) }},
		{"group", func(d *seawallv1.Detection) { d.Group = words(1, finding.MaxGroup+1) }},
		{"last_unix_nano", func(d *seawallv1.Detection) { d.LastUnixNano = -1 }},
		{"samples", func(d *seawallv1.Detection) { d.Samples = samples }},
		{"samples.records", sample(&seawallv1.Sample{Records: words(maxRecords+1, 1)})},
		{"samples.records", sample(&seawallv1.Sample{Records: words(1, text.Limit+1)})},
		{"samples.ancestry", sample(&seawallv1.Sample{Ancestry: processes})},
		{"samples.actor.text", sample(&seawallv1.Sample{Actor: &seawallv1.Actor{Text: strings.Repeat("x", text.Limit+1)}})},
	}
	for _, tt := range tests {
		d := &seawallv1.Detection{Id: "a", Rule: "r", Count: 1}
		tt.edit(d)
		b, err := proto.Marshal(&seawallv1.Record{Body: &seawallv1.Record_Detection{Detection: d}})
		if err != nil {
			t.Fatal(err)
		}
		_, err = Decode(b)
		var e *Error
		if !errors.As(err, &e) || e.Field != "detection."+tt.field {
			t.Errorf("error %v, want one of field detection.%s", err, tt.field)
		}
	}
}

// TestEncodeShortensDetections: no detection is lost for its length, and of a large
// one the first sample stays.
func TestEncodeShortensDetections(t *testing.T) {
	long := strings.Repeat("ä", text.Limit/2)
	actor := finding.Actor{Login: long, User: long, From: long, Via: long, Program: long, Text: long}
	for _, tt := range []struct {
		name                       string
		text                       string
		actor                      finding.Actor
		samples, records, ancestry int // left of the first sample
	}{
		{"many", "x", finding.Actor{}, maxSamples, maxRecords, maxAncestry},
		{"long", long, finding.Actor{}, 2, 0, 1},
		{"longest", long, actor, 1, 0, 0},
	} {
		words := make([]string, 99)
		for i := range words {
			words[i] = tt.text
		}
		sample := finding.Sample{Serial: 7, Actor: tt.actor, Command: tt.text, Target: tt.text, Syscall: tt.text, Records: words}
		for range 99 {
			sample.Ancestry = append(sample.Ancestry, finding.Process{PID: 1, Exe: tt.text, Command: tt.text})
		}
		r := detection(func(d *finding.Detection) {
			d.Title, d.Description, d.Techniques, d.FalsePositives, d.Group = tt.text, tt.text, words, words, words
			for range 99 {
				d.Samples = append(d.Samples, sample)
			}
		})
		b, err := Encode(r)
		if err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		got, err := Decode(b)
		if err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		d := got.Detection
		if len(d.Techniques) != maxTechniques || len(d.FalsePositives) != maxFalsePositives || len(d.Group) != maxGroup {
			t.Errorf("%s: %d techniques, %d false positives, %d of the group", tt.name, len(d.Techniques), len(d.FalsePositives), len(d.Group))
		}
		if s := d.Samples; len(s) != tt.samples || s[0].Serial != 7 || len(s[0].Records) != tt.records || len(s[0].Ancestry) != tt.ancestry {
			t.Errorf("%s: %d samples, %d records, %d processes", tt.name, len(s), len(s[0].Records), len(s[0].Ancestry))
		}
		if len(r.Detection.Samples) != 99 || len(r.Detection.Samples[0].Records) != 99 {
			t.Errorf("%s: the caller's lists are shortened", tt.name)
		}
	}
}

// TestDetectionGolden: the bytes of a detection never change, either.
func TestDetectionGolden(t *testing.T) {
	at := time.Unix(1_800_000_000, 0).UTC()
	b, err := Encode(Record{Time: at, Detection: &finding.Detection{
		ID: "5f3c9a", Rule: "shell-reverse", Title: "A shell talks to the network", Severity: finding.SeverityCritical,
		Techniques: []string{"T1059.004"}, Description: "text", FalsePositives: []string{"debugging"}, Count: 3, First: at.Add(-time.Minute), Last: at,
		Group: []string{"alice"}, Ended: true, Samples: []finding.Sample{{
			Time: at, Serial: 4711, Command: "bash -i", Target: "192.0.2.9:4444", Syscall: "connect", Claimed: true,
			Actor: finding.Actor{AUID: 1000, Login: "alice", UID: 33, User: "www-data", Session: finding.Unset, From: "203.0.113.7", Via: "sudo",
				Program: "/usr/bin/bash", Text: "alice from 203.0.113.7"},
			Ancestry: []finding.Process{{PID: 812, Exe: "/usr/bin/bash", Command: "bash -i"}}, Records: []string{"type=SYSCALL"},
		}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join("testdata", "detection.hex")
	got := hex.Dump(b)
	if *update {
		if err := os.WriteFile(name, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}
