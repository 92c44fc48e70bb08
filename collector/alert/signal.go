package alert

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"time"

	"seawall/collector/fleet"
	"seawall/pkg/finding"
	"seawall/pkg/text"
)

// Topic is a kind of thing that happens.
type Topic string

// The topics. Certificate and Release are findings, too.
const (
	Finding     Topic = "finding"     // a check failed or could not be evaluated
	Certificate Topic = "certificate" // a certificate that a host serves ends or has ended
	Release     Topic = "release"     // the host's release is or will be out of support
	Detection   Topic = "detection"   // a rule saw something in the audit events
	Silent      Topic = "silent"      // the host says nothing
	Lost        Topic = "lost"        // records of the host never came
	Identity    Topic = "identity"    // its key was copied, it was revoked, it came back
	Waiver      Topic = "waiver"      // what somebody answers for ends soon, or has ended
)

// Topics returns all topics, in the order of forms.
func Topics() []Topic {
	return []Topic{Finding, Certificate, Release, Detection, Silent, Lost, Identity, Waiver}
}

// Words returns what a topic is in a form.
func (t Topic) Words() string {
	switch t {
	case Finding:
		return "a check fails"
	case Certificate:
		return "a certificate ends"
	case Release:
		return "a release ends"
	case Detection:
		return "something was detected"
	case Silent:
		return "a host is silent"
	case Lost:
		return "records were lost"
	case Identity:
		return "a host's identity"
	case Waiver:
		return "a waiver ends"
	}
	return string(t)
}

// Signal is one thing that happened on one host. Its texts are on one line each.
type Signal struct {
	Topic    Topic            `json:"topic"`
	Over     bool             `json:"over"` // what was wrong no longer is
	Severity finding.Severity `json:"severity"`
	Host     fleet.HostID     `json:"host"`
	HostName string           `json:"host_name"` // what the host calls itself
	Check    string           `json:"check"`     // or the rule of a detection
	Resource string           `json:"resource,omitempty"`
	Family   string           `json:"family,omitempty"`
	Title    string           `json:"title"`
	Actual   string           `json:"actual,omitempty"`
	Expected string           `json:"expected,omitempty"`
	Who      string           `json:"who,omitempty"`  // did it, as one sentence
	Path     string           `json:"path,omitempty"` // of the dashboard's page
	Time     time.Time        `json:"time"`           // when it happened, by the host
	// Held counts the changes of the same that nobody was told of, since they came
	// too soon after one another.
	Held int `json:"held,omitempty"`
}

// Subject names what the signal is about for ever, whether it begins or is over.
func (s *Signal) Subject() string {
	h := sha256.New()
	for _, part := range []string{string(s.Topic), string(s.Host), s.Check, s.Resource} {
		h.Write([]byte(part))
		h.Write([]byte{0})
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// Sentence says the signal in one line, without its severity.
func (s *Signal) Sentence() string {
	var b strings.Builder
	b.WriteString(cmp.Or(s.HostName, string(s.Host)))
	b.WriteString(": ")
	b.WriteString(cmp.Or(s.Title, s.Check))
	if s.Resource != "" {
		b.WriteString(" (" + s.Resource + ")")
	}
	switch {
	case s.Over && s.Topic == Silent:
		b.WriteString(": over")
	case s.Over:
		b.WriteString(": resolved")
	}
	return b.String()
}

const (
	maxText = 300 // bytes of a text of a signal
	maxName = 120
)

// The checks of what the collector itself tells in a host's timeline.
const (
	checkSilent   = "agent-silent"
	checkLost     = "agent-records-lost"
	checkIdentity = "agent-identity"
)

// FromEvent returns the signal that an event of the timeline is, if it is one. Info is
// the check's text, empty where it is not known.
func FromEvent(e *fleet.Event, info finding.CheckInfo) (Signal, bool) {
	c := &e.Change
	bad, was := c.Result.Status.Bad() && !c.Removed, c.Previous.Bad()
	s := Signal{Severity: c.Result.Severity, Host: e.Host, HostName: line(e.HostName, maxName), Check: line(c.Result.Check, maxName),
		Resource: line(c.Result.Resource, maxText), Family: line(info.Family, maxName), Title: line(info.Title, maxText),
		Actual: line(c.Result.Actual, maxText), Expected: line(c.Result.Expected, maxText), Path: "/hosts/" + string(e.Host),
		Time: cmp.Or(c.Result.Time, e.Received), Over: !bad, Who: who(c.Result.Cause)}
	switch c.Result.Check {
	case checkSilent:
		s.Topic, s.Title = Silent, "host is silent"
	case checkLost:
		s.Topic, s.Title = Lost, "records were lost"
	case checkIdentity:
		s.Topic, s.Title = Identity, "identity"
		return s, bad // that a host recovered is no end of anything
	default:
		s.Topic = topicOf(c.Result.Check)
		if e.Moved || bad == was {
			return s, false
		}
		return s, true
	}
	return s, bad || s.Topic == Silent
}

// topicOf returns which kind of finding a check makes.
func topicOf(check string) Topic {
	switch check {
	case "tls-certificate-expiring", "tls-certificate-expired", "tls-certificate-chain-expiry":
		return Certificate
	case "os-end-of-life":
		return Release
	}
	return Finding
}

// FromDetection returns the signal that a detection is.
func FromDetection(d *fleet.Detection) Signal {
	s := Signal{Topic: Detection, Severity: d.Detection.Severity, Host: d.Host, HostName: line(d.HostName, maxName),
		Check: line(d.Detection.Rule, maxName), Resource: line(d.Detection.ID, maxName), Title: line(d.Detection.Title, maxText),
		Path: "/hosts/" + string(d.Host) + "/detections/" + d.Detection.ID, Time: cmp.Or(d.Detection.First, d.Received)}
	if len(d.Detection.Samples) > 0 {
		first := &d.Detection.Samples[0]
		s.Who, s.Actual = line(first.Actor.Text, maxText), line(first.Command, maxText)
	}
	return s
}

// FromWaiver returns the signal that a waiver ends, or has ended by now. It is about a
// host only where the waiver is.
func FromWaiver(check, resource, tag string, host fleet.HostID, owner string, ends, now time.Time) Signal {
	s := Signal{Topic: Waiver, Severity: finding.SeverityMedium, Host: host, HostName: line(check, maxName), Check: line(check, maxName), Path: "/waivers", Time: ends}
	where := "all hosts"
	switch {
	case host != "":
		where = "host " + string(host)
	case tag != "":
		where = "tag " + tag
	}
	if resource != "" {
		where += ", " + resource
	}
	s.Resource = line(where, maxText)
	s.Title = line("a waiver, for which "+owner+" answers, ends on "+ends.UTC().Format("2006-01-02"), maxText)
	if !ends.After(now) {
		s.Severity, s.Title = finding.SeverityHigh, line("a waiver, for which "+owner+" answered, has ended: what it stood for counts again", maxText)
	}
	return s
}

// who says who caused a change, or nothing.
func who(c *finding.Cause) string {
	if c == nil {
		return ""
	}
	name := cmp.Or(c.LoginUser, c.User)
	if name == "" || c.Command == "" {
		return line(cmp.Or(name, c.Command), maxText)
	}
	return line(name+": "+c.Command, maxText)
}

// line returns foreign text on one line of at most limit bytes, harmless to read.
func line(s string, limit int) string {
	return text.Clean(text.Terminal(text.Clean(s, limit)), limit)
}
