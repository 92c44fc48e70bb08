package post

import (
	"encoding/json"
	"fmt"
	"strings"

	"seawall/collector/alert"
	"seawall/pkg/finding"
	"seawall/pkg/text"
)

// maxChat is what Slack shows of a message's text, in bytes.
const maxChat = 3500

// slack puts everything that came from a host into a code block, where neither Slack
// nor its kin see mentions, links or markup.
func (s *Sender) slack(p alert.Parcel) ([]body, error) {
	m, err := s.message(p)
	if err != nil {
		return nil, err
	}
	inert := strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "`", "ʼ")
	lines := m.Lines()
	shown := text.Clean(strings.Join(lines[:len(lines)-3], "\n"), maxChat)
	data, err := json.Marshal(map[string]any{
		"text":         fmt.Sprintf("%s *Seawall, %s*\n```\n%s\n```", mark(&m), m.Word(), inert.Replace(shown)),
		"unfurl_links": false, "unfurl_media": false, "mrkdwn": true,
	})
	if err != nil {
		return nil, fmt.Errorf("encode message: %w", err)
	}
	return []body{{kind: "application/json", data: data}}, nil
}

// mark is a sign beside the word, which says the same.
func mark(m *alert.Message) string {
	switch {
	case m.Test:
		return ":information_source:"
	case m.Over():
		return ":white_check_mark:"
	case m.Severity >= finding.SeverityHigh:
		return ":red_circle:"
	}
	return ":large_orange_circle:"
}

// maxSummary is PagerDuty's limit for a summary, in characters.
const maxSummary = 1024

// pagerDuty makes an event of each signal: an incident belongs to one subject, however
// signals are grouped, so that its end closes it and nothing else. An event that is
// sent again changes nothing.
func (s *Sender) pagerDuty(p alert.Parcel) ([]body, error) {
	m, err := s.message(p)
	if err != nil {
		return nil, err
	}
	if m.Test {
		// Shows that the key is right, and leaves no incident behind.
		m.Signals = []alert.Signal{{Topic: alert.Finding, Title: m.Summary, HostName: "seawall", Check: "test", Severity: finding.SeverityInformational},
			{Topic: alert.Finding, Title: m.Summary, HostName: "seawall", Check: "test", Severity: finding.SeverityInformational, Over: true}}
	}
	var bodies []body
	for i := range m.Signals {
		g := &m.Signals[i]
		event := map[string]any{"routing_key": string(s.cfg.Secret), "dedup_key": "seawall-" + g.Subject(), "event_action": "trigger"}
		if g.Over {
			event["event_action"] = "resolve"
		} else {
			event["client"] = "Seawall"
			event["payload"] = map[string]any{
				"summary": text.Clean(g.Sentence(), maxSummary), "source": g.HostName, "severity": weight(g.Severity), "component": g.Check,
				"group": g.Family, "class": string(g.Topic), "timestamp": g.Time.UTC().Format("2006-01-02T15:04:05.000Z"),
				"custom_details": map[string]any{"actual": g.Actual, "expected": g.Expected, "by": g.Who, "resource": g.Resource,
					"rule": m.Rule, "message": m.ID, "more": m.More},
			}
			if m.Dashboard != "" {
				event["client_url"] = m.Dashboard + g.Path
				event["links"] = []map[string]string{{"href": m.Dashboard + g.Path, "text": "Dashboard"}}
			}
		}
		data, err := json.Marshal(event)
		if err != nil {
			return nil, fmt.Errorf("encode event: %w", err)
		}
		bodies = append(bodies, body{kind: "application/json", data: data})
	}
	return bodies, nil
}

// weight is PagerDuty's word for a severity.
func weight(s finding.Severity) string {
	switch s {
	case finding.SeverityCritical:
		return "critical"
	case finding.SeverityHigh:
		return "error"
	case finding.SeverityMedium:
		return "warning"
	}
	return "info"
}
