package posture

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"seawall/collector/fleet"
	"seawall/collector/web/format"
)

// expirySoon is how long before its end a certificate is worth a word: one of 14
// days is renewed from a third of its life on, so something keeps it from that.
const expirySoon = 5 * 24 * time.Hour

// badge is a word on how a host stands, with its class.
type badge struct{ Class, Text string }

// expiry returns the word on a member's certificate, or a zero badge when all is
// well. A revoked host needs none.
func expiry(now time.Time, m *fleet.Member) badge {
	left := m.Expires.Sub(now)
	switch {
	case m.Expires.IsZero() || m.Standing == fleet.Revoked || left >= expirySoon:
		return badge{}
	case left <= 0:
		return badge{"st-error", "certificate expired"}
	}
	return badge{"st-unknown", "certificate ends in " + format.Seconds(uint64(left/time.Second))}
}

// badges returns what a list says of how a host was admitted: nothing, mostly.
func badges(now time.Time, h fleet.Host) []badge {
	m := h.Member
	if m == nil {
		return nil
	}
	var list []badge
	if m.Standing == fleet.Quarantined || m.Standing == fleet.Revoked {
		list = append(list, badge{"st-fail", string(m.Standing)})
	}
	if b := expiry(now, m); b.Text != "" {
		list = append(list, b)
	}
	if m.CloneOf != "" {
		list = append(list, badge{"sub", "began as a copy"})
	}
	if m.Recoveries > 0 {
		list = append(list, badge{"sub", recoveries(m.Recoveries)})
	}
	return list
}

func recoveries(n int) string {
	if n == 1 {
		return "came back after expiry once"
	}
	return fmt.Sprintf("came back after expiry %s times", format.Count(n))
}

// notice is what a person has to decide about a host, with the commands for it.
type notice struct {
	Title, Text string
	Commands    []string
}

// notices returns what stands first on a host's page.
func notices(now time.Time, h fleet.Host) []notice {
	m := h.Member
	if m == nil {
		return nil
	}
	id := string(h.ID)
	switch {
	case m.Standing == fleet.Quarantined:
		return []notice{{
			Title: "Quarantined",
			Text:  "Its key was used in two places, or its disk was set back to an older state. Nothing is taken from it until a person decides.",
			Commands: []string{
				"# when no other machine has its key:", "seawall-collector host release " + id,
				"# when one may have it:", "seawall-collector host revoke " + id,
			},
		}}
	case m.Standing == fleet.Revoked:
		return []notice{{Title: "Revoked", Text: "Nothing is taken from it any more. To come back, it has to enrol with a new key and a token."}}
	case expiry(now, m).Class == "st-error":
		return []notice{{Title: "Certificate expired", Text: "It renews by itself when it reaches the collector again, until 90 days after the end. Later it has to enrol with a token."}}
	}
	return nil
}

// waitingShown is how many hosts that wait for approval a page shows.
const waitingShown = 20

// waiting is a host that waits for approval, with the commands to decide.
type waiting struct {
	fleet.Request
	Commands []string
}

// queue is the hosts that wait for approval, the longest waiting first.
type queue struct {
	Now   time.Time
	All   int
	Shown []waiting
	Form  string // the token of the forms that decide; empty: there are none
}

func newQueue(now time.Time, all []fleet.Request, form string) queue {
	q := queue{Now: now, Form: form}
	for _, r := range all {
		if r.Decision == fleet.Waiting {
			q.Shown = append(q.Shown, waiting{r, decisions(r.ID)})
		}
	}
	slices.SortStableFunc(q.Shown, func(a, b waiting) int { return a.Asked.Compare(b.Asked) })
	q.All = len(q.Shown)
	q.Shown = q.Shown[:min(waitingShown, q.All)]
	return q
}

// decisions returns the commands for the request of that id. They are copied into a
// shell: there are none for what is no id.
func decisions(id string) []string {
	if len(id) != 16 || strings.Trim(id, "0123456789abcdef") != "" {
		return nil
	}
	return []string{"seawall-collector host approve " + id, "seawall-collector host reject " + id}
}

// concern is a line of the overview on what a person should look at.
type concern struct{ Class, Link, Text string }

func concerns(o fleet.Overview) []concern {
	var list []concern
	add := func(n int, class, link, one, many string) {
		if n == 1 {
			list = append(list, concern{class, link, "1 " + one})
		} else if n > 1 {
			list = append(list, concern{class, link, format.Count(n) + " " + many})
		}
	}
	by := func(status string) string { return "/hosts?" + url.Values{"status": {status}}.Encode() }
	add(o.Standing[fleet.Quarantined], "st-fail", by("quarantined"), "host is quarantined", "hosts are quarantined")
	add(o.Expired, "st-error", by("expired"), "host has an expired certificate", "hosts have expired certificates")
	add(o.Requests, "st-unknown", "/hosts#waiting", "host waits for approval", "hosts wait for approval")
	return list
}
