package leak

import "bytes"

// form is how a token looks: a prefix, then at least min and at most max characters
// of an alphabet (max 0: any number).
type form struct {
	kind     string
	prefix   string
	alphabet string // hex, upper (letters and digits), alnum, word (and "_", "-")
	min, max int
}

// forms are the tokens that are known by their looks, as their makers document
// them and as secret scanners know them.
var forms = [...]form{
	{"token of DigitalOcean", "dop_v1_", "hex", 64, 64},
	{"token of DigitalOcean", "doo_v1_", "hex", 64, 64},
	{"token of DigitalOcean", "dor_v1_", "hex", 64, 64},
	{"access key of AWS", "AKIA", "upper", 16, 16},
	{"token of GitHub", "ghp_", "alnum", 36, 36},
	{"token of GitHub", "gho_", "alnum", 36, 36},
	{"token of GitHub", "ghu_", "alnum", 36, 36},
	{"token of GitHub", "ghs_", "alnum", 36, 36},
	{"token of GitHub", "ghr_", "alnum", 36, 76},
	{"token of GitHub", "github_pat_", "word", 82, 82},
	{"token of GitLab", "glpat-", "word", 20, 300},
	{"token of GitLab", "glrt-", "word", 20, 300},
	{"token of GitLab", "gldt-", "word", 20, 300},
	{"token of Slack", "xoxb-", "slack", 24, 200},
	{"token of Slack", "xoxp-", "slack", 24, 200},
	{"token of Slack", "xoxa-", "slack", 24, 200},
	{"token of Slack", "xoxr-", "slack", 24, 200},
	{"token of Slack", "xoxs-", "slack", 24, 200},
	{"token of Slack", "xapp-", "slack", 24, 200},
	{"live key of Stripe", "sk_live_", "alnum", 16, 250},
	{"live key of Stripe", "rk_live_", "alnum", 16, 250},
	{"token of npm", "npm_", "alnum", 36, 36},
	{"token of PyPI", "pypi-AgEIcHlwaS5vcmc", "word", 50, 0},
	{"key of SendGrid", "SG.", "dotted", 66, 66},
	{"key of Twilio", "SK", "hex", 32, 32},
	{"key of Anthropic", "sk-ant-", "word", 80, 200},
	{"key of OpenAI", "sk-proj-", "word", 48, 250},
	{"key of OpenAI", "sk-svcacct-", "word", 48, 250},
	{"key of OpenAI", "sk-", "alnum", 48, 48},
	{"key of Google", "AIza", "word", 35, 35},
	{"token of Google", "GOCSPX-", "word", 28, 28},
	{"token of Hugging Face", "hf_", "alnum", 34, 34},
	{"token of Docker Hub", "dckr_pat_", "word", 27, 40},
	{"token of Shopify", "shpat_", "hex", 32, 32},
	{"token of Vault", "hvs.", "word", 90, 300},
	{"key of Tailscale", "tskey-", "word", 30, 120},
	{"token of Grafana", "glsa_", "word", 41, 41},
	{"key of age", "AGE-SECRET-KEY-1", "upper", 58, 58},
	{"token of Pulumi", "pul-", "hex", 40, 40},
	{"token of Doppler", "dp.pt.", "alnum", 40, 44},
	{"token of Linear", "lin_api_", "alnum", 40, 40},
}

// starts has the bytes with which a form begins.
var starts = func() (set [256]bool) {
	for i := range forms {
		set[forms[i].prefix[0]] = true
	}
	return set
}()

// token returns the kind and the length of the token that b begins with, 0 where
// it begins with none.
func token(b []byte) (kind string, length int) {
	for i := range forms {
		f := &forms[i]
		if b[0] != f.prefix[0] || len(b) < len(f.prefix)+f.min || string(b[:len(f.prefix)]) != f.prefix {
			continue
		}
		rest := b[len(f.prefix):]
		n := 0
		for n < len(rest) && (f.max == 0 || n <= f.max) && within(rest[n], f.alphabet) {
			n++
		}
		if n < f.min || f.max > 0 && n > f.max || n < len(rest) && (alnum(rest[n]) || rest[n] == '_') {
			continue
		}
		if sample(rest[:n]) || f.prefix == "SG." && rest[22] != '.' {
			continue
		}
		return f.kind, len(f.prefix) + n
	}
	return "", 0
}

func within(c byte, alphabet string) bool {
	switch alphabet {
	case "hex":
		return c >= '0' && c <= '9' || c >= 'a' && c <= 'f'
	case "upper":
		return c >= '0' && c <= '9' || c >= 'A' && c <= 'Z'
	case "alnum":
		return alnum(c)
	case "slack":
		return alnum(c) || c == '-'
	case "dotted":
		return alnum(c) || c == '_' || c == '-' || c == '.'
	}
	return alnum(c) || c == '_' || c == '-'
}

// sample reports whether a token is one of a manual: few different characters, a
// run of the alphabet, or a word that says so.
func sample(b []byte) bool {
	var seen [256]bool
	different, steps := 0, 0
	for i, c := range b {
		if !seen[c] {
			seen[c] = true
			different++
		}
		if i > 0 && (c == b[i-1]+1 || c == b[i-1]) {
			steps++
		}
	}
	if different < 6 || steps*2 > len(b) {
		return true
	}
	upper := bytes.ToUpper(b)
	for _, word := range []string{"EXAMPLE", "XXXXX", "YOUR", "REDACTED", "PLACEHOLDER", "DUMMY"} {
		if bytes.Contains(upper, []byte(word)) {
			return true
		}
	}
	return false
}
