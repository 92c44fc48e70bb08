package bootstrap

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// What may stand in the text: nothing that YAML or a shell reads otherwise.
const (
	hostPattern = `^([A-Za-z0-9]([A-Za-z0-9.-]{0,252}[A-Za-z0-9])?\.?|[0-9A-Fa-f:.]+)$`
	urlPattern  = `^(https?://[A-Za-z0-9._:\[\]-]+|file://)(/[A-Za-z0-9._~+/-]*)?$`
	filePattern = `^/[A-Za-z0-9._~+/-]+$`
	tagPattern  = `^[a-z0-9]([a-z0-9._:-]{0,62}[a-z0-9])?$` // as in package format of the host's side
	keyPattern  = `^[A-Za-z0-9+/=:., ()<>@_-]{0,100}$`
	maxKey      = 32 << 10
	maxTags     = 64
)

func is(pattern, s string) bool { return regexp.MustCompile(pattern).MatchString(s) }

// CheckCollector says what is wrong with an address of a collector.
func CheckCollector(v string) error {
	host, port, err := net.SplitHostPort(v)
	if err != nil {
		return fmt.Errorf("collector %q is not host:port", v)
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || n == 0 || !is(hostPattern, host) {
		return fmt.Errorf("collector %q is not host:port", v)
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		return fmt.Errorf("collector %s: that is no address to connect to", v)
	}
	return nil
}

func checkRepo(v string) error {
	u, err := url.Parse(v)
	if err != nil || !is(urlPattern, v) || u.Host == "" && len(u.Path) < 2 {
		return fmt.Errorf("repository %q is not like https://packages.example.net/seawall", v)
	}
	return nil
}

func checkPackage(v, ending string) error {
	if !is(filePattern, v) || path.Clean(v) != v {
		return fmt.Errorf("package %q is not an absolute file name of letters, digits and . _ ~ + - /", v)
	}
	if ending != "" && !strings.HasSuffix(v, ending) {
		return fmt.Errorf("package %s does not end in %s", v, ending)
	}
	return nil
}

// checkKey wants one public key, or several, in ASCII armour. Without a key nobody
// would know whose packages are installed.
func checkKey(v string) error {
	if v == "" {
		return errors.New("a repository needs the key that it is signed with")
	}
	all := lines(v)
	if len(v) > maxKey || len(all) < 3 || all[0] != "-----BEGIN PGP PUBLIC KEY BLOCK-----" || all[len(all)-1] != "-----END PGP PUBLIC KEY BLOCK-----" {
		return errors.New("the repository's key is not a PGP public key in ASCII armour (gpg --armor --export)")
	}
	for i, line := range all {
		if !is(keyPattern, line) {
			return fmt.Errorf("the repository's key: line %d is not of an ASCII armour", i+1)
		}
	}
	return nil
}

func lines(text string) []string {
	return strings.Split(strings.TrimSpace(strings.ReplaceAll(text, "\r\n", "\n")), "\n")
}

// tags makes labels the host's tags: key=value becomes key:value.
func tags(labels []string) ([]string, error) {
	var all []string
	for _, label := range labels {
		tag := strings.Replace(strings.ToLower(label), "=", ":", 1)
		if !is(tagPattern, tag) {
			return nil, fmt.Errorf("label %q: want a word or key=value, of letters, digits and . _ : -", label)
		}
		if !slices.Contains(all, tag) {
			all = append(all, tag)
		}
	}
	if len(all) > maxTags {
		return nil, fmt.Errorf("more than %d labels", maxTags)
	}
	return all, nil
}
