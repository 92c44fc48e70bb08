package wire

import (
	"bytes"
	"encoding/hex"
	"errors"
	"flag"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"pgregory.net/rapid"

	"seawall/pkg/finding"
	"seawall/pkg/text"
	seawallv1 "seawall/proto/seawall/v1"
)

var update = flag.Bool("update", false, "write the golden file")

var same = cmpopts.EquateEmpty()

func genText(t *rapid.T) string {
	return text.Clean(rapid.StringN(0, 40, 200).Draw(t, "text"), 200)
}

func genTime(t *rapid.T) time.Time {
	n := rapid.Int64Range(0, lastTime-1).Draw(t, "time")
	if n == 0 {
		return time.Time{}
	}
	return time.Unix(0, n).UTC()
}

func genID(t *rapid.T) string {
	return rapid.StringMatching(`[a-z0-9-]{1,64}`).Draw(t, "id")
}

func genResult(t *rapid.T) finding.Result {
	r := finding.Result{
		Check:    genID(t),
		Resource: genText(t),
		Status:   finding.Status(rapid.IntRange(1, 6).Draw(t, "status")),
		Severity: finding.Severity(rapid.IntRange(0, 5).Draw(t, "severity")),
		Actual:   genText(t),
		Expected: genText(t),
		Group:    text.Clean(rapid.StringN(0, 40, 200).Draw(t, "group"), finding.MaxGroup),
		Since:    genTime(t),
		Time:     genTime(t),
	}
	for range rapid.IntRange(0, 3).Draw(t, "evidence") {
		r.Evidence = append(r.Evidence, finding.Evidence{
			File: genText(t), Line: rapid.IntRange(0, math.MaxInt32).Draw(t, "line"), Text: genText(t),
		})
	}
	if rapid.Bool().Draw(t, "cause") {
		u := rapid.Uint32()
		r.Cause = &finding.Cause{
			Serial: rapid.Uint64().Draw(t, "serial"), Time: genTime(t), AUID: u.Draw(t, "auid"), LoginUser: genText(t),
			UID: u.Draw(t, "uid"), User: genText(t), EUID: u.Draw(t, "euid"), Session: u.Draw(t, "session"),
			PID: u.Draw(t, "pid"), TTY: genText(t), Exe: genText(t), Command: genText(t), Path: genText(t),
			Operation: genText(t),
		}
	}
	return r
}

func genRecord(t *rapid.T) Record {
	r := Record{Time: genTime(t)}
	switch rapid.IntRange(0, 4).Draw(t, "kind") {
	case 0:
		r.Change = &finding.Change{
			Result:   genResult(t),
			Previous: finding.Status(rapid.IntRange(0, 6).Draw(t, "previous")),
			Removed:  rapid.Bool().Draw(t, "removed"),
		}
	case 1:
		results := rapid.SliceOfN(rapid.Custom(genResult), 0, 5).Draw(t, "results")
		parts := SplitState(results, rapid.IntRange(0, 2000).Draw(t, "max"))
		r.State = &parts[rapid.IntRange(0, len(parts)-1).Draw(t, "part")]
		r.State.ID = rapid.Uint64().Draw(t, "state")
	case 2:
		r.Heartbeat = genHeartbeat(t)
	case 3:
		r.Detection = genDetection(t)
	default:
		r.Pack = &finding.Pack{}
		copy(r.Pack.Digest[:], genText(t))
		for range rapid.IntRange(0, 3).Draw(t, "checks") {
			r.Pack.Checks = append(r.Pack.Checks, finding.CheckInfo{
				ID: genID(t), Family: genText(t), Title: genText(t), Rationale: genText(t), Remediation: genText(t),
				Severity:   finding.Severity(rapid.IntRange(0, 5).Draw(t, "severity")),
				References: rapid.SliceOfN(rapid.Custom(genText), 0, 3).Draw(t, "references"),
			})
		}
	}
	return r
}

func genHeartbeat(t *rapid.T) *finding.Heartbeat {
	n, f := rapid.Uint64(), rapid.Float64Range(-1e300, 1e300)
	return &finding.Heartbeat{
		Host: finding.Host{
			Name: genText(t), MachineID: genText(t), OS: genText(t), OSID: genText(t), OSVersion: genText(t),
			Kernel: genText(t), Arch: genText(t), BootTime: genTime(t), UptimeSeconds: n.Draw(t, "uptime"),
			Load1: f.Draw(t, "load1"), Load5: f.Draw(t, "load5"), Load15: f.Draw(t, "load15"),
			MemoryTotal: n.Draw(t, "total"), MemoryFree: n.Draw(t, "free"), CPUs: rapid.Uint32().Draw(t, "cpus"),
			DropletID: genText(t), Region: genText(t), AgentVersion: genText(t),
			Tags: rapid.SliceOfN(rapid.Custom(genText), 0, 3).Draw(t, "tags"),
		},
		Counter: finding.Counters{
			AuditMode: genText(t), AuditReason: genText(t), Records: n.Draw(t, "records"), Events: n.Draw(t, "events"),
			EventsMatched: n.Draw(t, "matched"), KernelLost: n.Draw(t, "lost"), Overruns: n.Draw(t, "overruns"),
			SerialGaps: n.Draw(t, "gaps"), Evaluations: n.Draw(t, "evaluations"), Changes: n.Draw(t, "changes"),
			SpoolEpoch: n.Draw(t, "epoch"), SpoolSeq: n.Draw(t, "seq"), SpoolBytes: n.Draw(t, "bytes"),
			SpoolEvicted: n.Draw(t, "evicted"), SpoolRefused: n.Draw(t, "refused"), SpoolDamaged: n.Draw(t, "damaged"), CPUSeconds: f.Draw(t, "cpu"), RSSBytes: n.Draw(t, "rss"),
			UptimeSeconds: n.Draw(t, "age"),
			Detections:    n.Draw(t, "detections"), DetectionsSuppressed: n.Draw(t, "suppressed"), DetectionsLost: n.Draw(t, "untold"),
			DetectionRules: n.Draw(t, "rules"), DetectionFaults: n.Draw(t, "faults"),
			AuditFilled: n.Draw(t, "filled"), AuditPartial: n.Draw(t, "partial"), AuditBacklogHigh: n.Draw(t, "high"), AuditBuffer: n.Draw(t, "buffer"),
			AuditRules: n.Draw(t, "loaded"), AuditRulesRefused: n.Draw(t, "unloaded"), AuditGaps: n.Draw(t, "ranges"), AuditRateLimit: n.Draw(t, "limit"),
		},
	}
}

// TestRoundTrip holds the codec against itself and against the generated code,
// in both directions.
func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := genRecord(t)
		b, err := Encode(want)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Decode(b)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, got, same); d != "" {
			t.Fatalf("own round trip (-want +got):\n%s", d)
		}
		var generated seawallv1.Record
		if err := proto.Unmarshal(b, &generated); err != nil {
			t.Fatalf("generated code refuses: %v", err)
		}
		if n := unknown(generated.ProtoReflect()); n > 0 {
			t.Fatalf("generated code does not know %d bytes", n)
		}
		b2, err := proto.MarshalOptions{Deterministic: true}.Marshal(&generated)
		if err != nil {
			t.Fatal(err)
		}
		got, err = Decode(b2)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, got, same); d != "" {
			t.Fatalf("round trip through generated code (-want +got):\n%s", d)
		}
	})
}

// unknown counts the bytes of unknown fields in m and below.
func unknown(m protoreflect.Message) int {
	n := len(m.GetUnknown())
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case f.IsList() && f.Message() != nil:
			for i := range v.List().Len() {
				n += unknown(v.List().Get(i).Message())
			}
		case f.Message() != nil:
			n += unknown(v.Message())
		}
		return true
	})
	return n
}

// TestTablesMatchSchema compares numbers and names of every table with the .proto.
func TestTablesMatchSchema(t *testing.T) {
	tables := map[string][]field{
		"Record": recordFields(new(Record)), "Change": changeFields(new(finding.Change)),
		"Result": resultFields(new(finding.Result)), "Evidence": evidenceFields(new(finding.Evidence)),
		"Cause": causeFields(new(finding.Cause)), "StatePart": partFields(new(finding.StatePart)),
		"Pack": packFields(new(finding.Pack)), "CheckInfo": infoFields(new(finding.CheckInfo)),
		"Heartbeat": heartbeatFields(new(finding.Heartbeat)), "Host": hostFields(new(finding.Host)),
		"Counters":  counterFields(new(finding.Counters)),
		"Detection": detectionFields(new(finding.Detection)), "Sample": sampleFields(new(finding.Sample)),
		"Actor": actorFields(new(finding.Actor)), "Process": processFields(new(finding.Process)),
	}
	messages := seawallv1.File_seawall_v1_finding_proto.Messages()
	if messages.Len() != len(tables) {
		t.Errorf("%d messages, %d tables", messages.Len(), len(tables))
	}
	for name, table := range tables {
		fields := messages.ByName(protoreflect.Name(name)).Fields()
		if fields.Len() != len(table) {
			t.Errorf("%s: %d fields in the schema, %d here", name, fields.Len(), len(table))
		}
		last := protowire.Number(0)
		for i, f := range table {
			d := fields.ByNumber(f.num)
			if d == nil || string(d.Name()) != f.name || f.num <= last || find(table, f.num) != &table[i] {
				t.Errorf("%s: field %d %q is not the schema's", name, f.num, f.name)
			}
			last = f.num
		}
		for num := protowire.Number(1); num <= last+1; num++ {
			if f := find(table, num); (f != nil) != (fields.ByNumber(num) != nil) {
				t.Errorf("%s: field %d is not found as the schema has it", name, num)
			}
		}
	}
}

func change(edit func(*finding.Change)) Record {
	c := &finding.Change{Result: finding.Result{Check: "ssh-permit-root-login", Status: finding.StatusFail}}
	edit(c)
	return Record{Change: c}
}

func part(edit func(*finding.StatePart)) Record {
	p := &finding.StatePart{Parts: 1}
	edit(p)
	return Record{State: p}
}

func TestEncodeRefuses(t *testing.T) {
	long := strings.Repeat("x", text.Limit+1)
	tests := []struct {
		name   string
		record Record
		field  string
	}{
		{"no body", Record{}, ""},
		{"two bodies", Record{Heartbeat: &finding.Heartbeat{}, Pack: &finding.Pack{}}, ""},
		{"empty id", change(func(c *finding.Change) { c.Result.Check = "" }), "change.result.check"},
		{"capital id", change(func(c *finding.Change) { c.Result.Check = "SSH" }), "change.result.check"},
		{"long id", change(func(c *finding.Change) { c.Result.Check = strings.Repeat("a", 65) }), "change.result.check"},
		{"no status", change(func(c *finding.Change) { c.Result.Status = 0 }), "change.result.status"},
		{"unknown status", change(func(c *finding.Change) { c.Result.Status = 7 }), "change.result.status"},
		{"unknown previous", change(func(c *finding.Change) { c.Previous = 7 }), "change.previous"},
		{"unknown severity", change(func(c *finding.Change) { c.Result.Severity = 6 }), "change.result.severity"},
		{"long text", change(func(c *finding.Change) { c.Result.Actual = long }), "change.result.actual"},
		{"long group", change(func(c *finding.Change) { c.Result.Group = long[:finding.MaxGroup+1] }), "change.result.group"},
		{"early since", change(func(c *finding.Change) { c.Result.Since = time.Unix(-1, 0) }), "change.result.since_unix_nano"},
		{"long group in a part", part(func(p *finding.StatePart) {
			p.Results, p.Total = []finding.Result{{Check: "a", Status: 1, Group: long[:finding.MaxGroup+1]}}, 1
		}), "state_part.results.group"},
		{"bad UTF-8", change(func(c *finding.Change) { c.Result.Resource = "\xff" }), "change.result.resource"},
		{"bad time", change(func(c *finding.Change) { c.Result.Time = time.Unix(-1, 0) }), "change.result.time_unix_nano"},
		{"late time", Record{Time: time.Unix(1<<40, 0), Pack: &finding.Pack{}}, "time_unix_nano"},
		{"bad line", change(func(c *finding.Change) { c.Result.Evidence = []finding.Evidence{{Line: -1}} }), "change.result.evidence.line"},
		{"no parts", part(func(p *finding.StatePart) { p.Parts = 0 }), "state_part.parts"},
		{"many parts", part(func(p *finding.StatePart) { p.Parts = 1025 }), "state_part.parts"},
		{"part beyond", part(func(p *finding.StatePart) { p.Part = 1 }), "state_part.part"},
		{"total", part(func(p *finding.StatePart) { p.Results = make([]finding.Result, 1) }), "state_part.total"},
		{"bad result", part(func(p *finding.StatePart) { p.Results, p.Total = make([]finding.Result, 1), 1 }), "state_part.results.check"},
		{"many results", part(func(p *finding.StatePart) { p.Results = make([]finding.Result, 1025) }), "state_part.results"},
		{"not finite", Record{Heartbeat: &finding.Heartbeat{Host: finding.Host{Load1: math.NaN()}}}, "heartbeat.host.load1"},
		{"many tags", Record{Heartbeat: &finding.Heartbeat{Host: finding.Host{Tags: make([]string, 65)}}}, "heartbeat.host.tags"},
		{"long tag", Record{Heartbeat: &finding.Heartbeat{Host: finding.Host{Tags: []string{long}}}}, "heartbeat.host.tags"},
		{"pack id", Record{Pack: &finding.Pack{Checks: make([]finding.CheckInfo, 1)}}, "pack.checks.id"},
	}
	for _, tt := range tests {
		_, err := Encode(tt.record)
		var e *Error
		if !errors.As(err, &e) || e.Field != tt.field {
			t.Errorf("%s: error %v, want one of field %q", tt.name, err, tt.field)
		}
	}
}

// TestDecodeRefuses forges with the generated code what Encode would not make.
func TestDecodeRefuses(t *testing.T) {
	result := func(edit func(*seawallv1.Result)) *seawallv1.Record {
		r := &seawallv1.Result{Check: "a", Status: 1}
		edit(r)
		return &seawallv1.Record{Body: &seawallv1.Record_Change{Change: &seawallv1.Change{Result: r}}}
	}
	many := make([]*seawallv1.Evidence, maxEvidence+1)
	for i := range many {
		many[i] = &seawallv1.Evidence{}
	}
	tests := []struct {
		name   string
		record *seawallv1.Record
		field  string
	}{
		{"empty", &seawallv1.Record{}, ""},
		{"status", result(func(r *seawallv1.Result) { r.Status = 99 }), "change.result.status"},
		{"negative status", result(func(r *seawallv1.Result) { r.Status = -1 }), "change.result.status"},
		{"severity", result(func(r *seawallv1.Result) { r.Severity = 256 }), "change.result.severity"},
		{"time", result(func(r *seawallv1.Result) { r.TimeUnixNano = -1 }), "change.result.time_unix_nano"},
		{"since", result(func(r *seawallv1.Result) { r.SinceUnixNano = -1 }), "change.result.since_unix_nano"},
		{"group", result(func(r *seawallv1.Result) { r.Group = strings.Repeat("g", finding.MaxGroup+1) }), "change.result.group"},
		{"line", result(func(r *seawallv1.Result) { r.Evidence = []*seawallv1.Evidence{{Line: 1 << 31}} }), "change.result.evidence.line"},
		{"evidence", result(func(r *seawallv1.Result) { r.Evidence = many }), "change.result.evidence"},
		{"digest", &seawallv1.Record{Body: &seawallv1.Record_StatePart{StatePart: &seawallv1.StatePart{Parts: 1, Digest: []byte{1}}}}, "state_part.digest"},
		{"infinity", &seawallv1.Record{Body: &seawallv1.Record_Heartbeat{Heartbeat: &seawallv1.Heartbeat{
			Counters: &seawallv1.Counters{CpuSeconds: math.Inf(1)}}}}, "heartbeat.counters.cpu_seconds"},
	}
	for _, tt := range tests {
		b, err := proto.Marshal(tt.record)
		if err != nil {
			t.Fatal(err)
		}
		_, err = Decode(b)
		var e *Error
		if !errors.As(err, &e) || e.Field != tt.field {
			t.Errorf("%s: error %v, want one of field %q", tt.name, err, tt.field)
		}
	}
	if _, err := Decode(make([]byte, MaxRecord+1)); err == nil {
		t.Error("a record beyond the limit is accepted")
	}
}

func TestDecodeSkipsUnknownFields(t *testing.T) {
	want := change(func(*finding.Change) {})
	b, err := Encode(want)
	if err != nil {
		t.Fatal(err)
	}
	b = protowire.AppendTag(b, 77, protowire.BytesType)
	b = protowire.AppendBytes(b, []byte("from the future"))
	got, err := Decode(b)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got, same); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestEncodeShortensEvidence(t *testing.T) {
	r := change(func(c *finding.Change) {
		for range 200 {
			c.Result.Evidence = append(c.Result.Evidence, finding.Evidence{Text: strings.Repeat("y", text.Limit)})
		}
	})
	b, err := Encode(r)
	if err != nil {
		t.Fatal(err)
	}
	got, err := Decode(b)
	if err != nil {
		t.Fatal(err)
	}
	e := got.Change.Result.Evidence
	if len(e) < 2 || len(e) > 16 || e[len(e)-1].Text != "… and more" || len(r.Change.Result.Evidence) != 200 {
		t.Errorf("%d evidences left of 200, the caller has %d", len(e), len(r.Change.Result.Evidence))
	}
}

func TestSplitState(t *testing.T) {
	var results []finding.Result
	for i := range 3000 {
		results = append(results, finding.Result{
			Check: "patch-security-updates", Resource: strings.Repeat("p", i%700) + string(rune('a'+i%26)),
			Status: finding.StatusFail, Actual: "1.0", Expected: "1.1",
		})
	}
	parts := SplitState(results, 0)
	var back []finding.Result
	for i := range parts {
		b, err := Encode(Record{State: &parts[i]})
		if err != nil {
			t.Fatal(err)
		}
		if len(b) > partBytes {
			t.Errorf("part %d has %d bytes", i, len(b))
		}
		back = append(back, parts[i].Results...)
	}
	if len(parts) < 10 || finding.Digest(back) != parts[0].Digest || parts[0].Total != 3000 {
		t.Errorf("%d parts of %d results do not make the state", len(parts), len(back))
	}
	if empty := SplitState(nil, 0); len(empty) != 1 || empty[0].Parts != 1 {
		t.Errorf("empty state has parts %+v", empty)
	}
}

func TestSplitPack(t *testing.T) {
	var checks []finding.CheckInfo
	for i := range 100 {
		checks = append(checks, finding.CheckInfo{ID: "c-" + strings.Repeat("x", i%50), Rationale: strings.Repeat("r", 2000)})
	}
	packs := SplitPack(checks, 0)
	n := 0
	for i := range packs {
		if _, err := Encode(Record{Pack: &packs[i]}); err != nil {
			t.Fatal(err)
		}
		if packs[i].Digest != packs[0].Digest {
			t.Error("digests differ")
		}
		n += len(packs[i].Checks)
	}
	if n != 100 || len(packs) < 5 {
		t.Errorf("%d checks in %d packs", n, len(packs))
	}
}

func FuzzDecode(f *testing.F) {
	for _, r := range []Record{
		change(func(c *finding.Change) { c.Result.Cause = &finding.Cause{Exe: "/usr/bin/vim", AUID: finding.Unset} }),
		change(func(c *finding.Change) { c.Result.Group, c.Result.Since = "openssl", time.Unix(1_800_000_000, 0) }),
		change(func(c *finding.Change) { c.Result.Group = strings.Repeat("g", finding.MaxGroup) }),
		part(func(*finding.StatePart) {}),
		{Heartbeat: &finding.Heartbeat{Host: finding.Host{Name: "h", Load1: 1, Tags: []string{"web"}}}},
		{Pack: &finding.Pack{Checks: []finding.CheckInfo{{ID: "a", References: []string{"CIS"}}}}},
		detection(func(*finding.Detection) {}),
		detection(func(d *finding.Detection) {
			d.Techniques, d.Group, d.Ended, d.Last = []string{"T1059.004"}, []string{"alice", ""}, true, time.Unix(1_800_000_000, 0)
			d.Samples = []finding.Sample{{Serial: 7, Actor: finding.Actor{AUID: finding.Unset, Text: "root"}, Ancestry: []finding.Process{{PID: 1}}, Records: []string{"type=EOE"}}}
		}),
	} {
		b, err := Encode(r)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := Decode(b)
		if err != nil {
			var e *Error
			if !errors.As(err, &e) {
				t.Fatalf("error %v is not of this package", err)
			}
			return
		}
		b1, err := Encode(r)
		if err != nil {
			t.Fatalf("decoded, but not encoded again: %v", err)
		}
		r2, err := Decode(b1)
		if err != nil {
			t.Fatalf("own encoding refused: %v", err)
		}
		b2, err := Encode(r2)
		if err != nil || !bytes.Equal(b1, b2) {
			t.Fatalf("encoding is not stable: %v", err)
		}
	})
}

func TestFuzzSeeds(t *testing.T) {
	entries, err := os.ReadDir("testdata/fuzz/FuzzDecode")
	if err != nil || len(entries) == 0 {
		t.Fatalf("seeds of FuzzDecode: %d, %v", len(entries), err)
	}
}

// TestRecordGolden: hosts and collectors of different versions read each other's
// records, so the bytes of one never change.
func TestRecordGolden(t *testing.T) {
	at := time.Unix(1_800_000_000, 0).UTC()
	r := change(func(c *finding.Change) {
		c.Result = finding.Result{Check: "patch-security-updates", Resource: "libssl3:amd64", Group: "openssl",
			Status: finding.StatusFail, Severity: finding.SeverityHigh, Actual: "3.0.11-1", Expected: "3.0.15-1",
			Evidence: []finding.Evidence{{Text: "3.0.15-1 in Debian-Security/stable-security"}}, Since: at.Add(-12 * 24 * time.Hour), Time: at}
		c.Previous = finding.StatusPass
	})
	r.Time = at
	b, err := Encode(r)
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join("testdata", "change.hex")
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

func BenchmarkDecode(b *testing.B) {
	data, err := Encode(change(func(c *finding.Change) {
		c.Result.Actual, c.Result.Expected = "yes", "no"
		c.Result.Evidence = []finding.Evidence{{File: "/etc/ssh/sshd_config", Line: 33, Text: "PermitRootLogin yes"}}
		c.Result.Cause = &finding.Cause{Exe: "/usr/bin/vim", Command: "vim /etc/ssh/sshd_config", User: "root"}
	}))
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Decode(data); err != nil {
			b.Fatal(err)
		}
	}
}

// TestStateResultsAreChanges has a part with the largest results that Decode takes.
// The collector keeps each as a change of its own, so each must fit in a record.
func TestStateResultsAreChanges(t *testing.T) {
	long := strings.Repeat("ä", text.Limit/2)
	r := finding.Result{Check: strings.Repeat("a", 64), Resource: long, Group: long[:finding.MaxGroup], Since: time.Unix(1, 0), Status: finding.StatusFail, Actual: long, Expected: long,
		Cause: &finding.Cause{LoginUser: long, User: long, TTY: long, Exe: long, Command: long, Path: long, Operation: long}}
	b, err := appendFields(nil, resultFields(&r))
	if err != nil {
		t.Fatal(err)
	}
	for len(r.Evidence) < maxEvidence && len(b) < MaxRecord-512 {
		r.Evidence = append(r.Evidence, finding.Evidence{File: "/f", Text: strings.Repeat("x", min(text.Limit, MaxRecord-512-len(b)))})
		if b, err = appendFields(nil, resultFields(&r)); err != nil {
			t.Fatal(err)
		}
	}
	// Not by Encode, which shortens: a hostile host does not.
	p := finding.StatePart{Parts: 1, Total: 1, Results: []finding.Result{r}}
	state := Record{State: &p}
	if b, err = appendFields(nil, recordFields(&state)); err != nil {
		t.Fatal(err)
	}
	got, err := Decode(b)
	if err != nil || len(b) < MaxRecord*9/10 {
		t.Fatalf("%d bytes: %v", len(b), err)
	}
	b, err = Encode(Record{Time: time.Unix(1, 0), Change: &finding.Change{Result: got.State.Results[0], Previous: finding.StatusPass, Removed: true}})
	if err != nil || len(b) > MaxRecord {
		t.Errorf("%d bytes: %v", len(b), err)
	}
}

// TestDecodeTruncated cuts a record everywhere: what is left is a smaller record or
// an error that names its field.
func TestDecodeTruncated(t *testing.T) {
	b, err := Encode(change(func(c *finding.Change) {
		c.Result.Evidence = []finding.Evidence{{File: "/etc/ssh/sshd_config", Line: 7, Text: "PermitRootLogin yes"}}
		c.Result.Cause = &finding.Cause{Exe: "/usr/bin/vim", Time: time.Unix(1_800_000_000, 0)}
	}))
	if err != nil {
		t.Fatal(err)
	}
	for n := range len(b) {
		r, err := Decode(b[:n])
		var e *Error
		switch {
		case err == nil && bodies(&r) != 1:
			t.Errorf("%d of %d bytes are a record without a body", n, len(b))
		case err != nil && (!errors.As(err, &e) || !strings.HasPrefix(err.Error(), "record")):
			t.Errorf("%d of %d bytes: %v", n, len(b), err)
		}
	}
}
