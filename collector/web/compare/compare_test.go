package compare

import (
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"seawall/collector/db"
	"seawall/collector/fleet"
	"seawall/collector/store"
	"seawall/collector/store/membership"
	"seawall/collector/web/frame"
	"seawall/collector/web/static"
	"seawall/collector/web/webtest"
	"seawall/pkg/finding"
	"seawall/pkg/wire"
)

const (
	one     = fleet.HostID("01010101010101010101010101010101")
	two     = fleet.HostID("02020202020202020202020202020202")
	hostile = "<script>alert(1)</script>"
)

// start is the day on which the hosts enrolled.
var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// house is a store whose clock the test sets, with two members.
type house struct {
	*store.Store
	t   *testing.T
	now atomic.Int64
	seq map[fleet.HostID]uint64
}

func open(t *testing.T) *house {
	t.Helper()
	h := &house{t: t, seq: map[fleet.HostID]uint64{}}
	h.now.Store(start.UnixNano())
	s, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "collector.db"), store.Config{
		Retention: 1000 * 24 * time.Hour, ArchiveAfter: 1000 * 24 * time.Hour, Now: h.clock, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	h.Store = s
	err = s.Update(t.Context(), func(tx *membership.Tx) error {
		for i, id := range []fleet.HostID{one, two} {
			m := fleet.Member{Host: id, Key: fleet.KeyHash{byte(i)}, Standing: fleet.Active, Since: start, Enrolled: start, Expires: start.AddDate(1, 0, 0)}
			if err := tx.PutMember(m); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func (h *house) clock() time.Time { return time.Unix(0, h.now.Load()).UTC() }

func (h *house) say(id fleet.HostID, r finding.Record) {
	h.t.Helper()
	h.seq[id]++
	r.Time = h.clock()
	payload, err := wire.Encode(r)
	if err == nil {
		err = h.Apply(h.t.Context(), id, []fleet.Delivery{{Lane: "posture", Epoch: 1, Sequence: h.seq[id], Record: r, Payload: payload, Size: len(payload)}}, nil)
	}
	if err != nil {
		h.t.Fatal(err)
	}
}

// whole is a whole state of the host, in one part.
func (h *house) whole(id fleet.HostID, results ...finding.Result) {
	h.t.Helper()
	for i := range results {
		results[i].Time = h.clock()
	}
	h.say(id, finding.Record{State: &finding.StatePart{ID: 1, Parts: 1, Total: uint32(len(results)), Digest: finding.Digest(results), Results: results}})
}

// change is a change of the check, from what stands.
func (h *house) change(id fleet.HostID, check, resource string, status finding.Status, actual string, removed bool) {
	h.t.Helper()
	r := finding.Result{Check: check, Resource: resource, Status: status, Severity: finding.SeverityHigh, Actual: actual, Time: h.clock()}
	h.say(id, finding.Record{Change: &finding.Change{Result: r, Previous: h.standing(id)[r.Key()].Status, Removed: removed}})
}

func (h *house) standing(id fleet.HostID) map[finding.Key]finding.Result {
	h.t.Helper()
	d, err := h.Host(h.t.Context(), id)
	if err != nil {
		return nil // it has not spoken yet
	}
	return keyed(d.States)
}

// What the past is said to be is what stood then, for every day of a random life.
func TestRollBack(t *testing.T) {
	h := open(t)
	random := rand.New(rand.NewPCG(1, 2))
	stood := map[int]map[finding.Key]finding.Result{}
	h.whole(one, finding.Result{Check: "ssh-0", Resource: "0", Status: finding.StatusFail, Severity: finding.SeverityHigh, Actual: "from the start"},
		finding.Result{Check: "kernel", Status: finding.StatusPass, Severity: finding.SeverityLow, Actual: "6.1"})
	first := h.standing(one)
	if len(first) != 2 {
		t.Fatalf("%d results stand after the first whole state, want 2", len(first))
	}
	for day := range 30 {
		h.now.Store(start.AddDate(0, 0, day).UnixNano())
		for n := range random.IntN(20) {
			check, resource := fmt.Sprint("ssh-", random.IntN(5)), fmt.Sprint(random.IntN(3))
			last, there := h.standing(one)[finding.Key{Check: check, Resource: resource}]
			if there && random.IntN(4) == 0 {
				h.change(one, check, resource, finding.StatusPass, last.Actual, true)
				continue
			}
			h.change(one, check, resource, finding.Status(1+random.IntN(2)), fmt.Sprintf("value %d of day %d", n, day), false)
		}
		stood[day] = h.standing(one)
	}
	all := listed(h.standing(one))
	type verdict struct {
		Status finding.Status
		Actual string
	}
	for day, want := range stood {
		end := start.AddDate(0, 0, day).Truncate(24*time.Hour).AddDate(0, 0, 1)
		p, err := rollBack(t.Context(), h.Timeline, one, all, end)
		if err != nil {
			t.Fatal(err)
		}
		was, then := map[finding.Key]verdict{}, map[finding.Key]verdict{}
		for key, r := range want {
			was[key] = verdict{r.Status, r.Actual}
		}
		for key, r := range p.results {
			if p.unknown[key] {
				r.Actual = was[key].Actual
			}
			then[key] = verdict{r.Status, r.Actual}
		}
		if d := cmp.Diff(was, then); d != "" {
			t.Errorf("day %d (-stood +rolled back):\n%s", day, d)
		}
		// The value of the first whole state made no change: it is gone with the first.
		for key := range p.unknown {
			if want[key].Actual != first[key].Actual {
				t.Errorf("day %d: the value of %v is not known, though all changes are kept", day, key)
			}
		}
		if !p.reached.IsZero() || p.nothing {
			t.Errorf("day %d: reached %v, nothing %t, though all changes are kept", day, p.reached, p.nothing)
		}
	}
}

// What is not kept any more is not said to be the same.
func TestKept(t *testing.T) {
	h := open(t)
	h.whole(one, finding.Result{Check: "ssh-root", Status: finding.StatusFail, Severity: finding.SeverityHigh, Actual: "yes"})
	for day := range 10 {
		h.now.Store(start.AddDate(0, 0, day).UnixNano())
		h.change(one, "ssh-port", "", finding.Status(1+day%2), fmt.Sprint(day), false)
		h.change(two, "ssh-port", "", finding.Status(1+day%2), fmt.Sprint(day), false)
	}
	h.change(one, "ssh-root", "", finding.StatusFail, "without-password", false)
	at, all := start.AddDate(0, 0, 4), listed(h.standing(one))
	back := func() past {
		t.Helper()
		p, err := rollBack(t.Context(), h.Timeline, one, all, at)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	var b body
	if p := back(); !p.reached.IsZero() || p.nothing {
		t.Errorf("all is kept: reached %v, nothing %t", p.reached, p.nothing)
	} else if b.compare(p, past{results: keyed(nil)}, nil); len(b.Differences) != 2 {
		t.Errorf("against nothing: %d differ, want 2", len(b.Differences))
	}
	b = body{}
	now := past{results: h.standing(one)}
	if b.compare(back(), now, nil); b.Unsure != 1 || b.Same != 0 || len(b.Differences) != 1 {
		t.Errorf("%d unsure, %d same, %d differ, want 1, 0, 1", b.Unsure, b.Same, len(b.Differences))
	}
	purge := func(before time.Time) {
		t.Helper()
		if err := h.Write(t.Context(), func(w db.Writer) error {
			return w.Exec("DELETE FROM event WHERE received < ?", before.UnixNano())
		}); err != nil {
			t.Fatal(err)
		}
	}
	purge(start.AddDate(0, 0, 3))
	if p := back(); !p.reached.IsZero() || p.nothing {
		t.Errorf("kept from the day before: reached %v, nothing %t", p.reached, p.nothing)
	}
	purge(start.AddDate(0, 0, 7))
	if p := back(); !p.reached.Equal(start.AddDate(0, 0, 7)) || p.nothing {
		t.Errorf("kept from day 7: reached %v, nothing %t", p.reached, p.nothing)
	}
	purge(start.AddDate(1, 0, 0))
	if p := back(); !p.reached.IsZero() || !p.nothing {
		t.Errorf("nothing is kept: reached %v, nothing %t", p.reached, p.nothing)
	}
}

func listed(m map[finding.Key]finding.Result) (all []finding.Result) {
	for r := range maps.Values(m) {
		all = append(all, r)
	}
	return all
}

// pages returns the pages over a store with two hosts that differ, of which the second
// has the tag prod.
func pages(t *testing.T) http.Handler {
	t.Helper()
	h := open(t)
	h.whole(one, finding.Result{Check: "ssh-banner", Status: finding.StatusPass, Severity: finding.SeverityLow, Actual: "/etc/issue"})
	h.change(one, "ssh-root", "", finding.StatusPass, "no", false)
	h.change(two, "ssh-root", "", finding.StatusFail, hostile, false)
	for _, id := range []fleet.HostID{one, two} {
		h.change(id, "ssh-port", "", finding.StatusPass, "22", false)
		h.say(id, finding.Record{Heartbeat: &finding.Heartbeat{Host: finding.Host{Name: "host-" + string(id[:2])}}})
	}
	h.now.Store(start.AddDate(0, 0, 2).UnixNano())
	h.change(one, "ssh-root", "", finding.StatusFail, "yes", false)
	h.change(one, "ssh-banner", "", finding.StatusPass, "/etc/issue.net", false)
	key, err := two.Bytes()
	if err == nil {
		err = h.Write(t.Context(), func(w db.Writer) error { return w.Exec("INSERT INTO host_tag VALUES (?, 'prod')", key) })
	}
	if err != nil {
		t.Fatal(err)
	}
	f, err := frame.New(frame.Config{Log: slog.New(slog.DiscardHandler), Now: h.clock})
	if err != nil {
		t.Fatal(err)
	}
	p, err := New(Config{Frame: f, Lists: h, Host: h.Host, Timeline: h.Timeline})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	for _, r := range p.Routes() {
		mux.HandleFunc(r.Pattern, r.Serve)
	}
	mux.Handle("GET "+static.Prefix, f.Files())
	return mux
}

func TestPage(t *testing.T) {
	mux := pages(t)
	viewer := frame.Visitor{User: "eve", Role: frame.Viewer}
	scoped := frame.Visitor{User: "pat", Role: frame.Viewer, Scope: []string{"prod"}}
	path := "/hosts/" + string(one) + "/compare"
	for name, c := range map[string]struct {
		path       string
		who        frame.Visitor
		code       int
		has, lacks string
	}{
		"form":             {path, viewer, 200, "Compare with this day", "differ"},
		"another":          {path + "?with=" + string(two), viewer, 200, "2 differ, 1 are the same", "<script>alert"},
		"its value":        {path + "?with=" + string(two), viewer, 200, "&lt;script&gt;alert", "not kept"},
		"by name":          {path + "?with=host-02", viewer, 200, "Which host?", "differ"},
		"by no name":       {path + "?with=nobody", viewer, 200, "There is no other host", "Which host?"},
		"another day":      {path + "?at=2026-03-02", viewer, 200, "1 differ, 1 are the same", "value not kept"},
		"value lost":       {path + "?at=2026-03-02", viewer, 200, "1 changed since", "No change is kept"},
		"cut name":         {path + "?with=" + strings.Repeat("x", 99) + "%C3%A9", viewer, 200, "There is no other host", "\xc3"},
		"today":            {path + "?at=2026-03-03", viewer, 200, "0 differ, 3 are the same", "no such result"},
		"before it all":    {path + "?at=2026-02-01", viewer, 200, "The host was not known then", "value not kept"},
		"no day":           {path + "?at=2026-02-31", viewer, 200, "That is no day", "differ"},
		"tomorrow":         {path + "?at=2026-04-01", viewer, 200, "That is no day", "differ"},
		"unknown":          {path + "?with=" + strings.Repeat("f", 32), viewer, 404, "", "differ"},
		"scope":            {"/hosts/" + string(two) + "/compare", scoped, 200, "Compare", string(one)},
		"out of scope":     {path, scoped, 404, "", "host-01"},
		"with one outside": {"/hosts/" + string(two) + "/compare?with=" + string(one), scoped, 404, "", "host-01"},
		"outside by name":  {"/hosts/" + string(two) + "/compare?with=host", scoped, 200, "There is no other host", "host-01"},
	} {
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, frame.With(httptest.NewRequest(http.MethodGet, c.path, nil), c.who))
		if text := w.Body.String(); w.Code != c.code || !strings.Contains(text, c.has) || strings.Contains(text, c.lacks) {
			t.Errorf("%s: %d, want %d with %q and without %q:\n%s", name, w.Code, c.code, c.has, c.lacks, text)
		}
	}
}

// TestBrowser looks at the page in Chromium.
func TestBrowser(t *testing.T) {
	mux := pages(t)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mux.ServeHTTP(w, frame.With(r, frame.Visitor{User: "eve", Role: frame.Viewer}))
	}))
	t.Cleanup(server.Close)
	path := "/hosts/" + string(one) + "/compare"
	webtest.Walk{Base: server.URL}.Pages(t, webtest.Chromium(t), []string{path, path + "?with=" + string(two), path + "?with=host-02", path + "?at=2026-02-01"})
}
