package firewall

import (
	"strings"

	"seawall/agent/facts/fact"
	"seawall/pkg/text"
)

// UFW is ufw's configuration.
type UFW struct {
	Service
	Enabled  fact.Text `json:"enabled"` // ENABLED in ufw.conf
	LogLevel fact.Text `json:"log_level"`
	IPv6     fact.Text `json:"ipv6"`
	Input    fact.Text `json:"input"` // DROP, REJECT or ACCEPT
	Output   fact.Text `json:"output"`
	Forward  fact.Text `json:"forward"`
	Rules    []UFWRule `json:"rules"`
	Error    string    `json:"error"` // a file that is there and cannot be read
}

// UFWRule is one rule that a user gave to ufw.
type UFWRule struct {
	Action   string `json:"action"` // allow, deny, reject, limit
	Protocol string `json:"protocol"`
	Port     string `json:"port"`
	From     string `json:"from"`
	Incoming bool   `json:"incoming"`
	Any      bool   `json:"any"` // every port from everywhere
	File     string `json:"file"`
	Line     int    `json:"line"`
	Raw      string `json:"raw"`
}

const (
	ufwConf     = "/etc/ufw/ufw.conf"
	ufwDefaults = "/etc/default/ufw"
	maxUFWRules = 1000
)

func (r *reader) ufw() UFW {
	u := UFW{Rules: []UFWRule{}, Service: r.service("/usr/sbin/ufw", "ufw.service")}
	u.Enabled.Value, u.LogLevel.Value, u.IPv6.Value = "no", "low", "no"
	u.Input.Value, u.Output.Value, u.Forward.Value = "DROP", "ACCEPT", "DROP"
	for _, file := range []string{ufwConf, ufwDefaults} {
		data, err := r.read(file)
		if err != nil {
			u.Error = text.Clean(err.Error(), maxRaw)
		}
		assignments(file, data, func(key string, value fact.Text) {
			switch key {
			case "ENABLED":
				value.Value = strings.ToLower(value.Value)
				u.Enabled = value
			case "LOGLEVEL":
				u.LogLevel = value
			case "IPV6":
				value.Value = strings.ToLower(value.Value)
				u.IPv6 = value
			case "DEFAULT_INPUT_POLICY":
				u.Input = value
			case "DEFAULT_OUTPUT_POLICY":
				u.Output = value
			case "DEFAULT_FORWARD_POLICY":
				u.Forward = value
			}
		})
	}
	for _, file := range []string{"/etc/ufw/user.rules", "/etc/ufw/user6.rules"} {
		data, err := r.read(file)
		if err != nil {
			u.Error = text.Clean(err.Error(), maxRaw)
		}
		rules, more := parseUFWRules(file, data, maxUFWRules-len(u.Rules))
		if u.Rules = append(u.Rules, rules...); more {
			r.leave("ufw.rules", "there are more rules of ufw")
		}
	}
	return u
}

// assignments calls each with the lines KEY=value of a file that a shell, or
// something like it, reads.
func assignments(file, data string, each func(key string, value fact.Text)) {
	number := 0
	for line := range strings.Lines(data) {
		number++
		raw := strings.TrimSpace(line)
		key, value, ok := strings.Cut(raw, "=")
		key, value = strings.TrimSpace(key), strings.TrimSpace(value)
		if !ok || strings.HasPrefix(key, "#") {
			continue
		}
		if value != "" && (value[0] == '"' || value[0] == '\'') {
			if i := strings.IndexByte(value[1:], value[0]); i >= 0 {
				value = value[1 : 1+i]
			}
		} else {
			value, _, _ = strings.Cut(value, " ")
		}
		each(key, fact.Text{Value: text.Clean(value, maxRaw), Set: true, File: file, Line: number, Raw: text.Clean(raw, maxRaw)})
	}
}

// parseUFWRules reads the lines in which ufw keeps what it was told (its
// UFWRule.format_rule writes them):
//
//	### tuple ### allow tcp 22 0.0.0.0/0 any 0.0.0.0/0 in comment=…
//	### tuple ### route:deny any any 0.0.0.0/0 any 10.0.0.0/8 - - in_eth0
//
// It returns the first ones, and whether there are more.
func parseUFWRules(file, data string, most int) (list []UFWRule, more bool) {
	number := 0
	for line := range strings.Lines(data) {
		number++
		rest, ok := strings.CutPrefix(line, "### tuple ### ")
		words := strings.Fields(rest)
		if !ok || len(words) < 7 {
			continue
		}
		if len(list) == most {
			return list, true
		}
		if last := words[len(words)-1]; strings.HasPrefix(last, "comment=") {
			words = words[:len(words)-1]
		}
		action, _, _ := strings.Cut(words[0], "_") // with _log and _log-all
		direction := words[len(words)-1]
		r := UFWRule{
			Action: action, Protocol: words[1], Port: words[2], From: words[5],
			Incoming: strings.HasPrefix(direction, "in") && !strings.HasPrefix(action, "route:"),
			File:     file, Line: number, Raw: text.Clean(strings.TrimSpace(rest), maxRaw),
		}
		r.Any = r.Incoming && r.Port == "any" && r.Protocol == "any" && words[4] == "any" && direction == "in" &&
			(r.From == "0.0.0.0/0" || r.From == "::/0")
		for _, w := range []*string{&r.Action, &r.Protocol, &r.Port, &r.From} {
			*w = text.Clean(*w, maxRaw)
		}
		list = append(list, r)
	}
	return list, false
}
