package ingest

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"google.golang.org/protobuf/proto"

	"seawall/collector/ingest/budget"
	"seawall/pkg/squeeze"
	seawallv1 "seawall/proto/seawall/v1"
)

// TestWeightCoversDecoding holds the memory that is set aside for a batch to what
// decoding it takes, for batches that unfold to as much as they can.
func TestWeightCoversDecoding(t *testing.T) {
	fill := func(n int, payload []byte) []*seawallv1.Entry {
		all := make([]*seawallv1.Entry, n)
		for i := range all {
			all[i] = &seawallv1.Entry{Sequence: uint64(i + 1), Payload: payload}
		}
		return all
	}
	result := []byte("\x0a\x01a\x18\x02") // a check and a status
	part := append([]byte("\x08\x01\x18\x01\x20\x64\x2a\x20"), make([]byte, 32)...)
	for range 100 {
		part = append(append(part, 0x32, byte(len(result))), result...)
	}
	part = append([]byte{0x08, 0x01, 0x1a, byte(len(part)&0x7f | 0x80), byte(len(part) >> 7)}, part...)
	evidence := append(append([]byte{}, result...), bytes.Repeat([]byte{0x3a, 0}, 57)...) // 57 empty ones
	change := append([]byte{0x0a, byte(len(evidence))}, evidence...)
	change = append([]byte{0x08, 0x01, 0x12, byte(len(change))}, change...)
	b := budget.New(1 << 30)
	for name, raw := range map[string][]byte{
		"changes":     encode(t, fill(maxEntries, payload(t, "ssh-a"))...),
		"evidence":    encode(t, fill(maxEntries, change)...),
		"state parts": encode(t, fill(300, part)...),
		"nothing":     encode(t, fill(maxEntries, nil)...),
		"bytes":       encode(t, fill(4, make([]byte, 60<<10))...),
	} {
		batch := &seawallv1.Batch{Lane: "posture", Epoch: 7, Size: uint32(len(raw))}
		if err := head(batch); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		records, err := decode(batch, raw, 0)
		if err != nil {
			t.Fatal(err)
		}
		if good := name != "nothing" && name != "bytes"; good != (records[0].Reject == "") {
			t.Errorf("%s: reject %q", name, records[0].Reject)
		}
		got := held(func() any { r, _ := decode(batch, raw, 0); return r })
		set := int64(b.Weigh(raw))
		t.Logf("%s: %d bytes become %d, %d are set aside", name, len(raw), got, set)
		if got > set {
			t.Errorf("%s: that is not enough", name)
		}
	}
}

// held is the memory that what f returns keeps.
func held(f func() any) int64 {
	const n = 8
	var kept [n]any
	before := heap()
	for i := range kept {
		kept[i] = f()
	}
	after := heap()
	runtime.KeepAlive(kept)
	return (after - before) / n
}

// TestBomb sends batches that say they are small, or that say how large they are.
func TestBomb(t *testing.T) {
	codec, err := squeeze.New(batchBytes, 1)
	if err != nil {
		t.Fatal(err)
	}
	large := batchOf(t, &seawallv1.Entry{Sequence: 1, Payload: make([]byte, 8<<20-64)})
	squeezed(t, request(large))
	if head(large) == nil {
		t.Error("a batch of 8 MiB passes")
	}
	large.Size = batchBytes
	if head(large) != nil {
		t.Fatal("the head gives it away")
	}
	allocated := testing.Benchmark(func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := open(codec, large); err == nil {
				b.Fatal("opened")
			}
		}
	}).AllocedBytesPerOp()
	if allocated > 2*batchBytes {
		t.Errorf("%d bytes for a bomb", allocated)
	}
}

// FuzzBatch gives ingest whatever a host may send. What it makes of it keeps to the
// protocol's bounds.
func FuzzBatch(f *testing.F) {
	for _, m := range []*seawallv1.DeliverRequest{
		batch(f, 1, payload(f, "ssh-a"), []byte("garbage")),
		squeezed(f, batch(f, 5, make([]byte, 1000))),
		hello(1), confirm(1, 1),
	} {
		if b := m.GetBatch(); b != nil {
			b.Gaps = []*seawallv1.Gap{{From: 2, To: 4, Reason: seawallv1.GapReason_GAP_REASON_EVICTED}}
		}
		b, err := proto.Marshal(m)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	packer, err := squeeze.New(batchBytes, 1)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		n := elements(data, 2)
		var m seawallv1.DeliverRequest
		if proto.Unmarshal(data, &m) != nil {
			return
		}
		b := m.GetBatch()
		if len(b.GetGaps())+len(m.GetHello().GetOldest()) > n {
			t.Errorf("%d elements counted, message has more", n)
		}
		if head(b) != nil {
			return
		}
		raw, err := open(packer, b)
		if err != nil {
			return
		}
		if len(raw) != int(b.Size) || len(raw) > batchBytes {
			t.Fatalf("%d bytes of %d", len(raw), b.Size)
		}
		records, err := decode(b, raw, 3)
		if err != nil {
			return
		}
		if len(records) == 0 || len(records) > maxEntries {
			t.Errorf("%d records", len(records))
		}
		last := uint64(3)
		for _, d := range records {
			if d.Sequence <= last || d.Sequence > math.MaxInt64 || d.Lane != b.Lane || d.Size > len(raw) {
				t.Errorf("after %d: %+v", last, d)
			}
			last = d.Sequence
		}
		gaps, err := missing(b, records)
		if err != nil {
			return
		}
		for _, g := range gaps {
			for _, d := range records {
				if g.From == 0 || g.To < g.From || d.Sequence >= g.From && d.Sequence <= g.To || g.To >= last {
					t.Errorf("gap %+v beside record %d", g, d.Sequence)
				}
			}
		}
	})
}

func TestFuzzSeeds(t *testing.T) {
	for _, name := range []string{"FuzzBatch", "FuzzElements"} {
		files, err := os.ReadDir(filepath.Join("testdata", "fuzz", name))
		if err != nil || len(files) == 0 {
			t.Errorf("%s: seeds: %d, %v", name, len(files), err)
		}
	}
}

func FuzzElements(f *testing.F) {
	b, err := proto.Marshal(batch(f, 1, []byte("x"), []byte("y")))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add(bytes.Repeat([]byte{0x1a, 0}, 100))
	f.Fuzz(func(t *testing.T, b []byte) {
		n := elements(b, 2)
		var m seawallv1.DeliverRequest
		if proto.Unmarshal(b, &m) == nil && len(m.GetBatch().GetGaps())+len(m.GetHello().GetOldest()) > n {
			t.Errorf("%d elements counted, message has more", n)
		}
	})
}
