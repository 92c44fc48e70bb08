package lane

import (
	"fmt"
	"math"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"seawall/collector/fleet"
	"seawall/collector/store/schema"
	"seawall/collector/store/sqlite"
)

var (
	now  = time.Date(2027, 3, 31, 12, 0, 0, 0, time.UTC)
	host = []byte{1}
)

func open(t testing.TB) *sqlite.Writer {
	t.Helper()
	d, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "x.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	if _, err := schema.Migrate(t.Context(), d.Writer.Conn); err != nil {
		t.Fatal(err)
	}
	// Nothing here is about durability.
	if err := d.Writer.Exec("PRAGMA synchronous = OFF"); err != nil {
		t.Fatal(err)
	}
	return d.Writer
}

func load(t testing.TB, w *sqlite.Writer, missing int64) *Set {
	t.Helper()
	s, err := Load(w, host, missing)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// try takes records of lane posture and returns the verdicts and what was found
// missing, a line for each.
func try(t testing.TB, w *sqlite.Writer, s *Set, epoch uint64, told []fleet.Missing, sequences ...uint64) (lines []string) {
	t.Helper()
	told, err := Order(told)
	if err != nil {
		t.Fatal(err)
	}
	for _, seq := range sequences {
		v, err := s.Take(w, &fleet.Delivery{Lane: "posture", Epoch: epoch, Sequence: seq, Digest: seq * 7}, told, now)
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, fmt.Sprint(seq, " ", [...]string{"had", "fresh", "late", "refused"}[v]))
	}
	if err := s.Miss(w, told, now); err != nil {
		t.Fatal(err)
	}
	if err := s.Flush(w, now); err != nil {
		t.Fatal(err)
	}
	for _, l := range s.Found() {
		lines = append(lines, fmt.Sprintf("%d-%d of %d: %d %s", l.From, l.To, l.Epoch, l.Records, l.Reason))
	}
	return lines
}

func lost(epoch, from, to uint64, reason fleet.GapReason) fleet.Missing {
	return fleet.Missing{Lane: "posture", Epoch: epoch, From: from, To: to, Reason: reason}
}

// TestTold covers what a host says about holes, in every position to what came.
func TestTold(t *testing.T) {
	type step struct {
		epoch     uint64
		sequences []uint64
		told      []fleet.Missing
		want      []string
		missing   int64
	}
	for name, steps := range map[string][]step{
		"explained": {{1, []uint64{1, 5}, []fleet.Missing{lost(1, 2, 4, fleet.Evicted)}, []string{"1 fresh", "5 fresh", "2-4 of 1: 3 evicted"}, 3}},
		"explained in part": {{1, []uint64{1, 10}, []fleet.Missing{lost(1, 5, 6, fleet.Damaged), lost(1, 3, 3, fleet.Evicted)},
			[]string{"1 fresh", "10 fresh", "2-2 of 1: 1 unexplained", "3-3 of 1: 1 evicted", "4-4 of 1: 1 unexplained", "5-6 of 1: 2 damaged", "7-9 of 1: 3 unexplained"}, 8}},
		"overlapping": {{1, []uint64{5}, []fleet.Missing{lost(1, 2, 9, fleet.Damaged), lost(1, 1, 3, fleet.Evicted)},
			[]string{"5 fresh", "1-3 of 1: 3 evicted", "4-4 of 1: 1 damaged", "6-9 of 1: 4 damaged"}, 8}},
		"of other lanes and epochs": {{1, []uint64{1, 3}, []fleet.Missing{lost(7, 1, 1, fleet.Evicted), {Lane: "other", Epoch: 1, From: 2, To: 2, Reason: fleet.Evicted}},
			[]string{"1 fresh", "3 fresh", "2-2 of 1: 1 unexplained", "1-1 of 1: 1 unexplained", "2-2 of 1: 1 evicted", "1-1 of 7: 1 evicted"}, 4}},
		"nothing follows": {
			{1, []uint64{1}, []fleet.Missing{lost(1, 4, 6, fleet.Evicted)}, []string{"1 fresh", "2-3 of 1: 2 unexplained", "4-6 of 1: 3 evicted"}, 5},
			{1, []uint64{7}, nil, []string{"7 fresh"}, 5},
		},
		"a new epoch and nothing else": {{1, nil, []fleet.Missing{lost(1, 3, 4, fleet.Evicted)}, []string{"1-2 of 1: 2 unexplained", "3-4 of 1: 2 evicted"}, 4}},
		"told again": {
			{1, []uint64{1, 5}, []fleet.Missing{lost(1, 2, 4, fleet.Evicted)}, []string{"1 fresh", "5 fresh", "2-4 of 1: 3 evicted"}, 3},
			{1, []uint64{1, 5}, []fleet.Missing{lost(1, 2, 4, fleet.Evicted)}, []string{"1 had", "5 had"}, 3},
		},
		"what came is not missing": {
			{1, []uint64{1, 2, 3}, nil, []string{"1 fresh", "2 fresh", "3 fresh"}, 0},
			{1, nil, []fleet.Missing{lost(1, 1, 3, fleet.Damaged)}, nil, 0},
			{1, nil, []fleet.Missing{lost(1, 2, 5, fleet.Damaged)}, []string{"4-5 of 1: 2 damaged"}, 2},
		},
		"comes late": {
			{1, []uint64{5}, nil, []string{"5 fresh", "1-4 of 1: 4 unexplained"}, 4},
			{1, []uint64{2, 2, 4, 1, 3}, nil, []string{"2 late", "2 had", "4 late", "1 late", "3 late"}, 0},
			{1, []uint64{1, 3}, nil, []string{"1 had", "3 had"}, 0},
		},
		"over epochs": {
			{1, []uint64{1, 2}, nil, []string{"1 fresh", "2 fresh"}, 0},
			{2, []uint64{6}, []fleet.Missing{lost(2, 1, 4, fleet.Evicted)}, []string{"6 fresh", "3-4 of 2: 2 evicted", "5-5 of 2: 1 unexplained"}, 3},
			{1, []uint64{3}, nil, []string{"3 late"}, 3},
			{2, []uint64{5}, nil, []string{"5 late"}, 2},
		},
		"set back": {
			{1, []uint64{1, 2, 3, 4, 5}, nil, []string{"1 fresh", "2 fresh", "3 fresh", "4 fresh", "5 fresh"}, 0},
			{2, []uint64{4}, []fleet.Missing{lost(2, 2, 3, fleet.Diverged)}, []string{"4 fresh", "2-3 of 2: 2 diverged"}, 2},
			{3, []uint64{9}, []fleet.Missing{lost(3, 3, 8, fleet.Diverged)}, []string{"9 fresh", "3-8 of 3: 6 diverged"}, 8},
			{4, []uint64{1}, nil, []string{"1 fresh"}, 8},
		},
		"hostile": {
			{1, nil, []fleet.Missing{lost(1, 1, math.MaxInt64, fleet.Evicted)}, []string{"1-9223372036854775807 of 1: 9223372036854775807 evicted"}, maxMissing},
			{1, []uint64{7, math.MaxInt64}, nil, []string{"7 late", "9223372036854775807 late"}, maxMissing - 2},
			{2, []uint64{math.MaxInt64}, []fleet.Missing{lost(2, 5, 5, "")}, []string{"9223372036854775807 fresh", "5-5 of 2: 1 ",
				"6-9223372036854775806 of 2: 9223372036854775801 unexplained"}, maxMissing},
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := open(t)
			s := load(t, w, 0)
			for i, st := range steps {
				if diff := cmp.Diff(st.want, try(t, w, s, st.epoch, st.told, st.sequences...)); diff != "" {
					t.Errorf("step %d (-want +got):\n%s", i, diff)
				}
				if s.Missing() != st.missing {
					t.Errorf("step %d: %d missing, want %d", i, s.Missing(), st.missing)
				}
				if i%2 == 0 {
					s = load(t, w, s.Missing()) // what is in memory is what the tables say
				}
			}
		})
	}
}

// TestExplainedLater has a reason come after the hole was seen: the row gets it, and
// nothing is told twice.
func TestExplainedLater(t *testing.T) {
	w := open(t)
	s := load(t, w, 0)
	try(t, w, s, 1, nil, 1, 5, 9)
	if found := try(t, w, s, 1, []fleet.Missing{lost(1, 2, 4, fleet.Evicted)}); found != nil {
		t.Errorf("told again: %q", found)
	}
	var evicted, unexplained int
	if _, err := w.Row("SELECT sum(records) FILTER (WHERE reason = 'evicted'), sum(records) FILTER (WHERE reason = 'unexplained') FROM gap", nil,
		&evicted, &unexplained); err != nil || evicted != 3 || unexplained != 3 {
		t.Errorf("%d evicted, %d unexplained, %v", evicted, unexplained, err)
	}
}

func TestOrderRefuses(t *testing.T) {
	for _, m := range []fleet.Missing{lost(1, 0, 5, ""), lost(1, 5, 4, ""), lost(1, 1, math.MaxInt64+1, ""), lost(1, math.MaxUint64, math.MaxUint64, "")} {
		if _, err := Order([]fleet.Missing{lost(1, 1, 1, ""), m}); err == nil {
			t.Errorf("%d to %d is taken", m.From, m.To)
		}
	}
	told := []fleet.Missing{lost(2, 5, 9, ""), lost(1, 8, 9, ""), lost(1, 1, 8, ""), lost(1, 2, 3, "")}
	want := []fleet.Missing{lost(1, 1, 8, ""), lost(1, 9, 9, ""), lost(2, 5, 9, "")}
	got, err := Order(told)
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

// TestRangesAreBounded has a host with holes without end.
func TestRangesAreBounded(t *testing.T) {
	w := open(t)
	s := load(t, w, 0)
	var told []fleet.Missing
	for i := range uint64(3 * maxRanges) {
		told = append(told, lost(1, 2*i+1, 2*i+1, []fleet.GapReason{fleet.Evicted, fleet.Damaged}[i/2%2]))
	}
	// Each range is followed by one that is not told.
	found := try(t, w, s, 1, told)
	var rows int
	if _, err := w.Row("SELECT count(*) FROM gap", nil, &rows); err != nil || rows != maxRanges || len(found) > maxRanges+1 {
		t.Errorf("%d rows, %d told, %v", rows, len(found), err)
	}
	if want := "1001-5999 of 1: 4999 unexplained"; found[len(found)-1] != want || s.Missing() != 6*maxRanges-1 {
		t.Errorf("last told %q, want %q; %d missing", found[len(found)-1], want, s.Missing())
	}
	// What came between ranges that are one row now is not taken for missing.
	last := uint64(6*maxRanges - 1)
	try(t, w, s, 1, nil, last+1, last+3, last+5)
	if got := try(t, w, s, 1, nil, last+3, last+2, 3); !cmp.Equal(got, []string{fmt.Sprint(last+3, " had"), fmt.Sprint(last+2, " had"), "3 late"}) {
		t.Errorf("%q", got)
	}
	if s.Missing() != 6*maxRanges-1+2-1 {
		t.Errorf("%d missing", s.Missing())
	}
	// An epoch without a row gets one.
	try(t, w, s, 2, nil, last+9)
	if _, err := w.Row("SELECT count(*) FROM gap WHERE epoch = 2", nil, &rows); err != nil || rows != 1 {
		t.Errorf("%d rows of a new epoch, %v", rows, err)
	}
}

func TestLanesAndEpochsAreBounded(t *testing.T) {
	w := open(t)
	s := load(t, w, 0)
	for i := range maxEpochs + 50 {
		try(t, w, s, uint64(i), nil, uint64(2*i+2))
	}
	var positions, gaps int
	if _, err := w.Row("SELECT (SELECT count(*) FROM position), (SELECT count(*) FROM gap)", nil, &positions, &gaps); err != nil ||
		positions != maxEpochs || gaps != maxEpochs {
		t.Errorf("%d positions, %d ranges, want %d; %v", positions, gaps, maxEpochs, err)
	}
	for i := range 20 {
		v, err := s.Take(w, &fleet.Delivery{Lane: fmt.Sprint("lane-", i), Epoch: 1, Sequence: 1}, nil, now)
		if want := i >= maxLanes-1; err != nil || (v == Refused) != want {
			t.Errorf("lane %d: verdict %d, %v", i, v, err)
		}
	}
	if err := s.Miss(w, []fleet.Missing{{Lane: "lane-19", Epoch: 1, From: 1, To: 5}}, now); err != nil || len(s.Found()) > 0 && s.Missing() > maxEpochs+50 {
		t.Errorf("a lane too many: %v", err)
	}
}
