package plain

import (
	"bytes"
	"encoding/json"
	"math"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"seawall/collector/fleet"
	"seawall/pkg/finding"
)

// TestPlain makes sayable what is not and leaves the rest alone.
func TestPlain(t *testing.T) {
	far := time.Date(300_000_000, 1, 1, 0, 0, 0, 0, time.UTC)
	good := time.Date(2026, 3, 14, 0, 0, 0, 0, time.UTC)
	h := fleet.Host{
		Labels: finding.Host{Load1: math.NaN(), Load5: math.Inf(-1), Load15: 1.5, BootTime: far}, Agent: finding.Counters{CPUSeconds: math.Inf(1)},
		FirstSeen: far, LastSeen: good,
	}
	Host(&h)
	if d := cmp.Diff(fleet.Host{Labels: finding.Host{Load15: 1.5, Tags: []string{}}, LastSeen: good}, h); d != "" {
		t.Error(d)
	}
	member := &fleet.Member{Expires: far, Recovered: far, Since: good}
	h.Member = member
	Host(&h)
	if d := cmp.Diff(&fleet.Member{Since: good}, h.Member); d != "" || member.Expires != far {
		t.Errorf("%s, its source %+v", d, member)
	}
	requests := []fleet.Request{{Asked: far, Again: good}}
	Requests(requests)
	if d := cmp.Diff([]fleet.Request{{Again: good}}, requests, cmpopts.EquateComparable(netip.Addr{})); d != "" {
		t.Error(d)
	}
	packages := []fleet.Package{{Since: far}, {Since: good}}
	Packages(packages)
	if d := cmp.Diff([]fleet.Package{{}, {Since: good}}, packages); d != "" {
		t.Error(d)
	}
	cause := &finding.Cause{Time: far, Exe: "/bin/sh"}
	states := []fleet.State{{Result: finding.Result{Time: far, Since: far, Cause: cause}, Since: far}}
	events := []fleet.Event{{Received: far, Change: finding.Change{Result: finding.Result{Cause: &finding.Cause{Time: good}, Time: good}}}}
	States(states)
	Events(events)
	if got := states[0].Result.Cause; !got.Time.IsZero() || got.Exe != "/bin/sh" || cause.Time != far {
		t.Errorf("the cause is %+v, its source %+v", got, cause)
	}
	if r := states[0].Result; !r.Time.IsZero() || !r.Since.IsZero() || !states[0].Since.IsZero() {
		t.Errorf("the result is %+v", r)
	}
	if states[0].Result.Evidence == nil || events[0].Change.Result.Evidence == nil {
		t.Error("no evidence is no list")
	}
	if !events[0].Change.Result.Time.Equal(good) || !events[0].Change.Result.Cause.Time.Equal(good) {
		t.Error("a good time was changed")
	}
	for _, v := range []any{h, states, events, requests} {
		if _, err := json.Marshal(v); err != nil {
			t.Error(err)
		}
	}
}

// TestPlainDetections: times that JSON cannot say are zero, lists are lists, and what
// the source holds stays as it is.
func TestPlainDetections(t *testing.T) {
	far := time.Date(292_277_026, 1, 1, 0, 0, 0, 0, time.UTC)
	samples := []finding.Sample{{Time: far}}
	all := []fleet.Detection{{Received: far, Detection: finding.Detection{First: far, Last: far, Samples: samples}}, {}}
	Detections(all)
	b, err := json.Marshal(all)
	if err != nil || bytes.Contains(b, []byte("null")) {
		t.Errorf("%s, %v", b, err)
	}
	d := all[0].Detection
	if !all[0].Received.IsZero() || !d.First.IsZero() || !d.Last.IsZero() || !d.Samples[0].Time.IsZero() || samples[0].Time != far || samples[0].Records != nil {
		t.Errorf("%+v of %+v", all[0], samples)
	}
}

// TestChecks: every list is one, and the source's own checks stay as they are.
func TestChecks(t *testing.T) {
	if got := Checks(nil); got == nil {
		t.Error("no checks are no list")
	}
	source := []fleet.Check{{Info: finding.CheckInfo{ID: "a"}}, {Info: finding.CheckInfo{ID: "b", References: []string{"x"}}}}
	got := Checks(source)
	if got[0].Info.References == nil || len(got[1].Info.References) != 1 || source[0].Info.References != nil {
		t.Errorf("%+v of %+v", got, source)
	}
}
