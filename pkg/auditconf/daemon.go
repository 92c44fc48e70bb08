package auditconf

import (
	"fmt"
	"strconv"
	"strings"
)

// Setting is one keyword of auditd.conf. One that is not set has auditd's
// default, and Line 0.
type Setting struct {
	Value  string // in lower case where auditd compares without case
	Option string // the program of an exec action
	Line   int
	Raw    string
}

// ParseError says where and why auditd refuses its configuration. Line is 0 for
// a contradiction between settings.
type ParseError struct {
	Line   int
	Reason string
}

// Error says the line, where there is one, and the reason; the caller adds the file.
func (e *ParseError) Error() string {
	if e.Line == 0 {
		return e.Reason
	}
	return fmt.Sprintf("line %d: %s", e.Line, e.Reason)
}

// kind is what a keyword takes.
type kind int

const (
	text kind = iota
	number
	amount // a number, of megabytes, or a percentage
	oneOf
)

// keyword is what auditd knows of one.
type keyword struct {
	kind   kind
	values string // of oneOf
	preset string
	option bool // "exec" takes a program
}

const (
	yesNo   = "yes no"
	actions = "ignore syslog rotate email exec suspend single halt"
)

// keywords returns auditd's, those of versions 2 to 4.
func keywords() map[string]keyword {
	return map[string]keyword{
		"local_events":            {oneOf, yesNo, "yes", false},
		"write_logs":              {oneOf, yesNo, "yes", false},
		"log_file":                {text, "", "/var/log/audit/audit.log", false},
		"log_format":              {oneOf, "raw nolog enriched", "raw", false},
		"log_group":               {text, "", "root", false},
		"flush":                   {oneOf, "none incremental incremental_async data sync", "none", false},
		"freq":                    {number, "", "0", false},
		"num_logs":                {number, "", "0", false},
		"max_log_file":            {number, "", "0", false},
		"max_log_file_action":     {oneOf, "ignore syslog suspend rotate keep_logs", "ignore", false},
		"space_left":              {amount, "", "0", false},
		"space_left_action":       {oneOf, actions, "ignore", true},
		"admin_space_left":        {amount, "", "0", false},
		"admin_space_left_action": {oneOf, actions, "ignore", true},
		"disk_full_action":        {oneOf, "ignore syslog rotate exec suspend single halt", "ignore", true},
		"disk_error_action":       {oneOf, "ignore syslog exec suspend single halt", "syslog", true},
		"action_mail_acct":        {text, "", "root", false},
		"verify_email":            {oneOf, yesNo, "yes", false},
		"priority_boost":          {number, "", "4", false},
		"name_format":             {oneOf, "none hostname fqd numeric user", "none", false},
		"q_depth":                 {number, "", "", false},
		"overflow_action":         {oneOf, "ignore syslog suspend single halt", "", false},
		"max_restarts":            {number, "", "", false},
		"use_libwrap":             {oneOf, yesNo, "", false},
		"enable_krb5":             {oneOf, yesNo, "", false},
		"distribute_network":      {oneOf, yesNo, "", false},
		"name":                    {}, "dispatcher": {}, "disp_qos": {}, "transport": {}, "plugin_dir": {},
		"tcp_listen_port": {}, "tcp_listen_queue": {}, "tcp_max_per_addr": {}, "tcp_client_ports": {},
		"tcp_client_max_idle": {}, "krb5_principal": {}, "krb5_key_file": {}, "end_of_event_timeout": {},
		"report_interval": {},
	}
}

// maxLine is auditd's buffer; a line that does not fit is skipped.
const maxLine = 158

// ParseDaemon reads auditd.conf. The settings hold every keyword that has a
// default and every one that is set. An error is a *ParseError.
func ParseDaemon(conf string) (map[string]Setting, error) {
	known := keywords()
	settings := map[string]Setting{}
	for name, k := range known {
		if k.preset != "" {
			settings[name] = Setting{Value: k.preset}
		}
	}
	n := 0
	for raw := range strings.SplitSeq(conf, "\n") {
		n++
		if len(raw) > maxLine {
			continue
		}
		words := strings.FieldsFunc(raw, func(c rune) bool { return c == ' ' })
		if len(words) == 0 || words[0][0] == '#' {
			continue
		}
		name, s, err := setting(words, known)
		if err != nil {
			return nil, &ParseError{n, err.Error()}
		}
		s.Line, s.Raw = n, strings.TrimSpace(raw)
		settings[name] = s
	}
	return settings, contradiction(settings)
}

// setting reads the words of a line.
func setting(words []string, known map[string]keyword) (string, Setting, error) {
	name := strings.ToLower(words[0])
	switch {
	case len(words) < 3 && (len(words) < 2 || words[1] == "="):
		return "", Setting{}, fmt.Errorf("wrong number of arguments")
	case words[1] != "=":
		return "", Setting{}, fmt.Errorf("missing equal sign")
	}
	k, ok := known[name]
	switch {
	case !ok:
		return "", Setting{}, fmt.Errorf("unknown keyword %q", words[0])
	case len(words) > 4 || len(words) == 4 && !k.option:
		return "", Setting{}, fmt.Errorf("keyword %s has too many arguments", name)
	}
	s := Setting{Value: words[2]}
	if len(words) == 4 {
		s.Option = words[3]
	}
	if err := k.check(name, &s); err != nil {
		return "", Setting{}, err
	}
	return name, s, nil
}

// check checks a value, and writes a word as auditd understands it.
func (k *keyword) check(name string, s *Setting) error {
	switch k.kind {
	case number, amount:
		digits := s.Value
		if k.kind == amount {
			digits = strings.TrimSuffix(digits, "%")
		}
		v, err := strconv.ParseUint(digits, 10, 31)
		if err != nil || name == "num_logs" && v > 999 {
			return fmt.Errorf("%s: %q is no valid number", name, s.Value)
		}
	case oneOf:
		given := s.Value
		s.Value = strings.ToLower(s.Value)
		if !strings.Contains(" "+k.values+" ", " "+s.Value+" ") {
			return fmt.Errorf("%s: %q is none of %s", name, given, k.values)
		}
		if s.Value == "exec" && !strings.HasPrefix(s.Option, "/") {
			return fmt.Errorf("%s: exec needs the absolute path of a program", name)
		}
	}
	return nil
}

// contradiction is auditd's check of the settings together.
func contradiction(s map[string]Setting) error {
	left, lerr := strconv.ParseUint(s["space_left"].Value, 10, 64)
	admin, aerr := strconv.ParseUint(s["admin_space_left"].Value, 10, 64)
	if lerr == nil && aerr == nil && left <= admin {
		return &ParseError{0, fmt.Sprintf("space_left (%d) must be larger than admin_space_left (%d)", left, admin)}
	}
	if strings.HasPrefix(s["flush"].Value, "incremental") && s["freq"].Value == "0" {
		return &ParseError{0, "incremental flushing chosen, but freq is 0"}
	}
	return nil
}
