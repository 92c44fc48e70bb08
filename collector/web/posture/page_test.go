package posture

import (
	"context"
	"errors"
	"fmt"
	"html"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"seawall/collector/fleet"
	"seawall/collector/web/frame"
	"seawall/collector/web/list"
	"seawall/collector/web/pending"
	"seawall/pkg/finding"
)

var now = time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)

// hosts are n hosts, each worse than the next.
func hosts(n int) []fleet.Host {
	all := make([]fleet.Host, n)
	for i := range all {
		h := &all[n-1-i]
		h.ID = fleet.HostID(fmt.Sprintf("%032x", i))
		h.Labels = finding.Host{Name: fmt.Sprintf("host-%03d", i), OSID: []string{"debian", "ubuntu"}[i%2], Tags: []string{"tag" + fmt.Sprint(i%3)}}
		h.BySeverity = [6]int{5: n - i}
		h.Counts = fleet.Counts{Fail: n - i, Pass: 1}
		h.Pending = i
		h.Presence = []fleet.Presence{fleet.Online, fleet.Silent, fleet.Offline}[i%3]
		h.LastSeen = now.Add(-time.Duration(i) * time.Second)
	}
	all[0].Counts.Fail, all[0].Counts.Error = 0, 2
	return all
}

func TestHosts(t *testing.T) {
	q := list.Hosts(url.Values{"os": {"Debian 13"}, "tag": {"gone"}, "below": {"33"}, "status": {"failing"}, "page": {"2"}})
	f := fleet.Facets{OS: []fleet.Facet{{Value: "Debian 12", Hosts: 2000}, {Value: "Debian 13", Hosts: 1}}}
	requests := []fleet.Request{{ID: "0123456789abcdef", Decision: fleet.Waiting}, {Decision: fleet.Rejected}}
	b := hostsOf(now, q, fleet.HostPage{Hosts: hosts(7), Total: 107}, f, newQueue(now, requests, ""), nil, list.Views{}).Body.(hostsBody)
	if b.Pages.From != 101 || b.Pages.To != 107 || b.Pages.Previous == "" || b.Pages.Next != "" || b.Waiting.All != 1 || b.None() {
		t.Errorf("%+v, %d waiting", b.Pages, b.Waiting.All)
	}
	// What is chosen is among the options, even what no host has.
	got := make(map[string]string)
	for _, c := range b.Choices {
		for _, o := range c.Options {
			if o.Chosen {
				got[c.Name] += o.Label + "|"
			}
		}
	}
	want := map[string]string{"status": "failing|", "severity": "any severity|", "below": "below 33 %|", "tag": "gone (0)|", "os": "Debian 13 (1)|", "region": "any region|", "sort": "name|"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if b = hostsOf(now, list.Hosts(nil), fleet.HostPage{}, fleet.Facets{}, queue{}, nil, list.Views{}).Body.(hostsBody); !b.None() {
		t.Error("without a filter and hosts there are some")
	}
}

func TestSeverities(t *testing.T) {
	for _, o := range severities(finding.SeverityHigh, false) {
		if o.Chosen != (o.Value == "high") {
			t.Errorf("%+v", o)
		}
	}
	if newScore(fleet.Counts{Pass: 2, Fail: 1}) != (score{66, true}) || newScore(fleet.Counts{Waived: 1}) != (score{}) {
		t.Error("scores are wrong")
	}
}

func TestPresences(t *testing.T) {
	for n, want := range map[int]int{0: 3, 2: 4} {
		o := fleet.Overview{Presence: map[fleet.Presence]int{fleet.Archived: n}}
		if got := len(overviewOf(now, fleet.Glance{Overview: o}).Body.(overviewBody).Presences); got != want {
			t.Errorf("%d archived: %d presences are shown, want %d", n, got, want)
		}
	}
}

func TestChecks(t *testing.T) {
	all := []fleet.Check{
		{Info: finding.CheckInfo{ID: "ssh-a", Family: "ssh", Severity: 2}, Hosts: 3, Counts: fleet.Counts{Fail: 3}},
		{Info: finding.CheckInfo{ID: "audit-b", Family: "audit", Severity: 5}, Hosts: 1, Counts: fleet.Counts{Unknown: 1, Waived: 1}},
		{Info: finding.CheckInfo{ID: "os-c", Family: "os", Severity: 4}, Counts: fleet.Counts{Pass: 4, NotApplicable: 2}},
	}
	for raw, want := range map[string]string{
		"": "ssh-a audit-b os-c", "sort=severity": "audit-b os-c ssh-a", "sort=name": "audit-b os-c ssh-a", "sort=family": "audit-b os-c ssh-a",
		"status=failing": "ssh-a", "status=undecided": "audit-b", "status=passing": "os-c", "status=waived": "audit-b", "status=not_applicable": "os-c", "family=os": "os-c", "q=critical": "audit-b",
	} {
		v, err := url.ParseQuery(raw)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, c := range checksOf(now, list.Parse("/checks", v), all, nil).Body.(checksBody).Checks {
			got = append(got, c.Info.ID)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%q: %q, want %q", raw, got, want)
		}
	}
}

// A check says how to mend it on each system, where that is not the same on all.
func TestRemedies(t *testing.T) {
	pages, err := templates()
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile(`<[^>]*>`)
	said := func(d fleet.CheckDetail) string {
		d.Check.Info = finding.CheckInfo{ID: "ssh-a", Remediation: "apt"}
		b, err := pages.Page("check", checkOf(now, d, "/checks/ssh-a", 0, nil, nil))
		if err != nil {
			t.Fatal(err)
		}
		_, after, _ := strings.Cut(string(b), "How to fix it</h2>")
		text, _, _ := strings.Cut(after, "</section>")
		return strings.Join(strings.Fields(named.ReplaceAllString(text, " ")), " ")
	}
	system := func(name string) fleet.Facet { return fleet.Facet{Value: name, Hosts: 1} }
	var many []fleet.Facet
	for i := range 8 {
		many = append(many, system(fmt.Sprint("Rocky ", i)))
	}
	for want, remedies := range map[string][]fleet.Remedy{
		"apt Copy": nil,
		"Debian <12> , system unknown 12 hosts apt Copy Rocky 0 , Rocky 1 , Rocky 2 , Rocky 3 , Rocky 4 , Rocky 5 and 2 more 8 hosts No remedy was sent.": {
			{Text: "apt", Hosts: 12, Systems: []fleet.Facet{system("Debian <12>"), system("")}}, {Hosts: 8, Systems: many}},
	} {
		if got := html.UnescapeString(said(fleet.CheckDetail{Remedies: remedies})); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func state(check, resource string, s finding.Status, severity finding.Severity) fleet.State {
	return fleet.State{Result: finding.Result{Check: check, Resource: resource, Status: s, Severity: severity}}
}

func TestHost(t *testing.T) {
	d := fleet.HostDetail{
		Host:   fleet.Host{ID: "a"},
		Checks: map[string]finding.CheckInfo{"ssh-x": {ID: "ssh-x", Family: "ssh", Title: "X"}},
		States: []fleet.State{
			state("audit-e", "", finding.StatusError, 5), state("audit-f", "", finding.StatusFail, 2), state("audit-u", "", finding.StatusUnknown, 5),
			state("os-p", "", finding.StatusPass, 5), state("ssh-x", "", finding.StatusFail, 4), state("ssh-y", "", finding.StatusWaived, 5),
			state(pending.Check, "", finding.StatusUnknown, 4), state(pending.Check, "b:amd64", finding.StatusFail, 2), state(pending.Check, "a:amd64", finding.StatusFail, 5),
		},
	}
	p := hostOf(now, d, history{}, nil, nil)
	b := p.Body.(hostBody)
	var got []string
	for _, f := range b.Families {
		line := f.Name + ":"
		for _, i := range f.Bad {
			line += " " + i.State.Result.Check
		}
		got = append(got, fmt.Sprintf("%s +%d rest, %d packages", line, len(f.Rest), f.Packages))
	}
	want := []string{
		"patch: " + pending.Check + " +0 rest, 2 packages", "ssh: ssh-x +1 rest, 0 packages",
		"audit: audit-f audit-e audit-u +0 rest, 0 packages", "os: +1 rest, 0 packages",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if len(b.Pending) != 2 || b.Pending[0].Name != "a" || b.Packages() != 2 {
		t.Errorf("pending: %v", b.Pending)
	}
	if p.Title != "a" || p.Live.Host != "a" || p.Live.Since != 0 {
		t.Errorf("%+v", p)
	}
}

// Bad results of one check that belong together stand in one place, that of the
// worst; what belongs to nothing stands alone.
func TestBundles(t *testing.T) {
	grouped := func(check, resource, group string, severity finding.Severity) fleet.State {
		s := state(check, resource, finding.StatusFail, severity)
		s.Result.Group, s.Result.Since = group, now.AddDate(0, 0, -int(severity))
		return s
	}
	d := fleet.HostDetail{Host: fleet.Host{ID: "a"}, States: []fleet.State{
		grouped("ssh-a", "1", "sshd", 3), grouped("ssh-a", "2", "", 2), grouped("ssh-a", "3", "", 2), grouped("ssh-a", "4", "sshd", 5), grouped("ssh-b", "5", "sshd", 4),
	}}
	p := hostOf(now, d, history{}, nil, nil)
	var got []string
	for _, b := range p.Body.(hostBody).Families[0].Bundles() {
		line := b.Group + " " + b.Since().Format(time.DateOnly) + ":"
		for _, i := range b.Items {
			line += " " + i.State.Result.Resource
		}
		got = append(got, line)
	}
	if diff := cmp.Diff([]string{"sshd 2026-03-09: 4 1", "sshd 2026-03-10: 5", " 2026-03-12: 2", " 2026-03-12: 3"}, got); diff != "" {
		t.Error(diff)
	}
	r, err := templates()
	if err != nil {
		t.Fatal(err)
	}
	page, err := r.Page("host", p)
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(page), `<details class="bundle"`); n != 1 || !strings.Contains(string(page), "2 results of") {
		t.Errorf("%d bundles on the page", n)
	}
}

// TestManyUpdates has more updates than a person reads: the worst are shown, the
// others counted.
func TestManyUpdates(t *testing.T) {
	r, err := templates()
	if err != nil {
		t.Fatal(err)
	}
	for n, want := range map[int]string{0: "None known.", 6: "", 7: "<summary>1 more</summary>", 81: "<summary>75 more</summary>"} {
		var d fleet.HostDetail
		for i := range n {
			severity := finding.Severity(2)
			if i == n-1 {
				severity = 5
			}
			d.States = append(d.States, state(pending.Check, fmt.Sprintf("p%03d:amd64", i), finding.StatusFail, severity))
		}
		p := hostOf(now, d, history{}, nil, nil)
		b := p.Body.(hostBody)
		if len(b.First())+len(b.Others()) != n || n > 0 && b.First()[0].Severity != 5 {
			t.Errorf("of %d updates %d and %d are shown", n, len(b.First()), len(b.Others()))
		}
		page, err := r.Page("host", p)
		if err != nil {
			t.Fatal(err)
		}
		if rows := strings.Count(string(page), `<article class="update" data-key="p`); rows != n || !strings.Contains(string(page), want) ||
			want == "" && strings.Contains(string(page), " more</summary>") {
			t.Errorf("%d updates make %d rows, %q is not there", n, rows, want)
		}
		if order := sections.FindAllString(string(page), -1); strings.Join(order, " ") !=
			`id="who" id="timeline" id="posture" id="agent" id="pending"` {
			t.Errorf("order of the page: %s", order)
		}
	}
}

var sections = regexp.MustCompile(`id="(?:who|timeline|posture|agent|pending)"`)

func TestHostTimeline(t *testing.T) {
	var events []fleet.Event
	for i := range frame.PageSize + 1 {
		events = append(events, fleet.Event{ID: int64(100 - i)})
	}
	p := hostOf(now, fleet.HostDetail{}, history{Sieve: sieve{fleet.ChangeQuery{Before: 51}}, events: events}, nil, nil)
	if p.Live.Since != -1 || len(p.Body.(hostBody).Timeline.Entries) != frame.PageSize {
		t.Error("an older page of the timeline wants new events, or is short")
	}
	short := hostOf(now, fleet.HostDetail{}, history{events: events}, nil, nil).Body.(hostBody).Timeline
	if len(short.Entries) != changesShown || short.Older != 91 || short.Since() != 100 {
		t.Errorf("a host's page has %d changes, older %d", len(short.Entries), short.Older)
	}
}

func TestTemplates(t *testing.T) {
	r, err := templates()
	if err != nil {
		t.Fatal(err)
	}
	p := overviewOf(now, fleet.Glance{})
	if b, err := r.Page("overview", p); err != nil || strings.Contains(string(b), `href="/hosts/new"`) {
		t.Errorf("a viewer is to add a host: %v: %s", err, b)
	}
	p.Visitor.Role = frame.Operator
	if b, err := r.Page("overview", p); err != nil || !strings.Contains(string(b), `href="/hosts/new"`) {
		t.Errorf("%v: %s", err, b)
	}
	if b, err := r.Fragment("overview", frame.FragmentAll, p); err != nil || strings.Contains(string(b), "<html") || !strings.Contains(string(b), "data-timeline") {
		t.Errorf("%v: %s", err, b)
	}
	if _, err := r.Fragment("overview", "page", p); err == nil {
		t.Error("the whole page is a fragment")
	}
	if _, err := r.Fragment("none", frame.FragmentLive, p); err == nil {
		t.Error("a page that is none has a fragment")
	}
	if _, err := r.Page("none", p); err == nil {
		t.Error("there is a page none")
	}
}

// decidedBy is people who decided about one result.
type decidedBy struct{ fleet.Care }

func (d decidedBy) OnHosts(context.Context, []fleet.HostID) (map[fleet.HostID]int, error) {
	return nil, nil
}
func (d decidedBy) ByCheck(context.Context, []string) (map[string]int, error) { return nil, nil }
func (d decidedBy) Decisions(_ context.Context, _ string, ids []fleet.HostID) ([]fleet.Care, error) {
	if len(ids) == 0 {
		return nil, errors.New("of no host")
	}
	return []fleet.Care{d.Care}, nil
}

// A bad result says what people decided about it, and leads to where they do; one that
// passes, and a dashboard without such pages, do not.
func TestDecisions(t *testing.T) {
	d := fleet.HostDetail{Host: fleet.Host{ID: "a"}, States: []fleet.State{
		state("ssh-x", "", finding.StatusFail, 4), state("ssh-x", "é&b", finding.StatusFail, 4), state("ssh-y", "", finding.StatusPass, 4)}}
	for i := range d.States {
		d.States[i].Host = "a"
	}
	decision := fleet.Care{Host: "a", Check: "ssh-x", Resource: "é&b", Owner: "<ann>", Until: now, Assignee: "bob", Times: 2}
	pages, err := templates()
	if err != nil {
		t.Fatal(err)
	}
	said := func(s *Pages) []string {
		t.Helper()
		decided, err := s.cares(t.Context(), "", d.States)
		if err != nil {
			t.Fatal(err)
		}
		b, err := pages.Page("host", hostOf(now, d, history{}, nil, decided))
		if err != nil {
			t.Fatal(err)
		}
		var all []string
		for _, m := range regexp.MustCompile(`(?s)<dt>Decided</dt><dd>(.*?)</dd>`).FindAllSubmatch(b, -1) {
			all = append(all, string(m[1]))
		}
		return all
	}
	want := []string{
		`<span class="none">nothing</span> <a href="/hosts/a/finding?check=ssh-x&amp;resource=">Triage<span class="unseen"> of ssh-x  on </span></a>`,
		`<span class="state st-waived">waived</span> until <time datetime="2026-03-14" data-fixed>14 Mar 2026</time>, <bdi>&lt;ann&gt;</bdi> answers for it. ` +
			`<bdi>bob</bdi> looks after it. Resolved 2 times before. <a href="/hosts/a/finding?check=ssh-x&amp;resource=%C3%A9%26b">Triage<span class="unseen"> of ssh-x é&amp;b on </span></a>`,
	}
	if diff := cmp.Diff(want, said(&Pages{config: Config{Waived: decidedBy{decision}}})); diff != "" {
		t.Error(diff)
	}
	if got := said(&Pages{}); got != nil {
		t.Errorf("without pages of people: %q", got)
	}
}

// TestExportedTags: a tag that a host was given, and has of itself, too, is told once.
func TestExportedTags(t *testing.T) {
	var out strings.Builder
	h := fleet.Host{ID: "a", Tags: []string{"env=prod", "role=web"}, Labels: finding.Host{Name: "one", Tags: []string{"env=prod", "rack=4"}}}
	if err := hostsCSV(t.Context(), &out, func(_ context.Context, row func(*fleet.Host) error) error { return row(&h) }); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), `,"env=prod role=web rack=4",`) {
		t.Error(out.String())
	}
}
