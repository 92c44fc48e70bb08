package sshdconf_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"seawall/pkg/hostfs"
	"seawall/pkg/sshdconf"
)

// usualInputs are tried in a run of all tests; SSHD_INPUTS=50000 is for a change of
// the parser, and SSHD_SEED repeats a run.
const usualInputs = 1500

// vocabulary is what generated configurations are made of: keywords with values of
// which sshd takes those before "|" for most of them.
type vocabulary struct {
	keywords map[string]string // keyword → kinds of values
	values   map[string][]string
}

func newVocabulary(dir string) *vocabulary {
	v := &vocabulary{keywords: map[string]string{}, values: map[string][]string{
		"flag":   {"yes", "no", "|", "YES", "No", "true", "", "maybe"},
		"root":   {"yes", "no", "prohibit-password", "without-password", "forced-commands-only", "|", "Prohibit-Password"},
		"choice": {"yes", "no", "|", "all", "local", "remote", "clientspecified", "delayed", "any", "inet", "inet6", "none", "shosts-only", "ethernet", "point-to-point"},
		"number": {"0", "1", "3", "010", "0x10", "22", "2048", "|", "-1", "99999999999", "1 2", "many"},
		"time":   {"0", "60", "2m", "1h30m", "1w", "90s", "|", "5x", "-1", "none", "10m10"},
		"rates":  {"10:30:100", "10", "5:50:10", "|", "10:30", "0:0:0", "10:130:60", "none", "32:128", "48"},
		"level":  {"INFO", "verbose", "DEBUG1", "DEBUG", "QUIET", "|", "LOUD", "AUTH", "local3", "DAEMON"},
		"path":   {"none", "/etc/issue", "~/x", "|", "relative", dir + "/key", "/nowhere/%h", "\"/with space/x\"", ".ssh/authorized_keys", ".ssh/a /etc/keys/%u", "%h/x"},
		"algos": {"+aes128-cbc", "-*cbc", "^aes256-ctr", "aes128-ctr,aes256-gcm@openssh.com", "|", "hmac-sha2-256", "-hmac-*", "+hmac-md5", "curve25519-sha256",
			"-diffie-*", "ssh-ed25519,rsa-sha2-512", "+ssh-rsa", "-ecdsa*", "^ssh-ed25519", "nonsense", "aes128-ctr,,", "-nothing*", "none"},
		"users": {"root", "ann", "ann bob", "*", "!root *", "ann@203.0.113.*", "ann@203.0.113.0/24", "|", "\"a b\"", "an? root"},
		// No names: sshd resolves them, the parser does not.
		"address": {"0.0.0.0", "127.0.0.1:2222", "[::1]:22", "::", "203.0.113.5", "|", "203.0.113.5:port"},
		"env":     {"LANG LC_*", "|", "A=b", "A=\"b c\"", "*", "X", "none"},
		"methods": {"publickey", "publickey,password", "any", "|", "publickey,keyboard-interactive:pam password", "hostbased", "nonsense", "publickey publickey"},
		"size":    {"default none", "1G", "512M 1h", "|", "none", "0", "16", "4K 5"},
		"mask":    {"0177", "077", "|", "0", "0999", "777"},
		"permit":  {"any", "none", "host:22", "localhost:80 [::1]:443", "|", "host", "*:*", "8080"},
	}}
	for kind, names := range map[string]string{
		"flag": "UsePAM IgnoreUserKnownHosts PrintMotd PrintLastLog StrictModes TCPKeepAlive HostbasedAuthentication GSSAPIAuthentication X11Forwarding " +
			"PermitEmptyPasswords DisableForwarding ExposeAuthInfo PubkeyAuthentication PasswordAuthentication KbdInteractiveAuthentication " +
			"ChallengeResponseAuthentication PermitTTY PermitUserRC AllowAgentForwarding UseDNS KerberosAuthentication StreamLocalBindUnlink " +
			"HostbasedUsesNameFromPacketOnly X11UseLocalhost SkeyAuthentication KeepAlive DebianBanner",
		"root":    "PermitRootLogin",
		"choice":  "AllowTcpForwarding AllowStreamLocalForwarding GatewayPorts Compression AddressFamily IgnoreRhosts PermitTunnel PermitUserEnvironment FingerprintHash",
		"number":  "Port MaxAuthTries MaxSessions ClientAliveCountMax X11DisplayOffset RequiredRSASize",
		"time":    "LoginGraceTime ClientAliveInterval RekeyLimit",
		"rates":   "MaxStartups PerSourceMaxStartups PerSourceNetBlockSize",
		"level":   "LogLevel SyslogFacility",
		"path":    "Banner AuthorizedKeysFile AuthorizedKeysCommand TrustedUserCAKeys RevokedKeys ChrootDirectory ForceCommand PidFile XAuthLocation AuthorizedPrincipalsFile VersionAddendum AuthorizedKeysCommandUser",
		"algos":   "Ciphers MACs KexAlgorithms HostKeyAlgorithms PubkeyAcceptedAlgorithms CASignatureAlgorithms HostbasedAcceptedAlgorithms PubkeyAcceptedKeyTypes",
		"users":   "AllowUsers DenyUsers AllowGroups DenyGroups",
		"address": "ListenAddress",
		"env":     "AcceptEnv SetEnv",
		"methods": "AuthenticationMethods",
		"size":    "RekeyLimit",
		"mask":    "StreamLocalBindMask",
		"permit":  "PermitOpen PermitListen",
	} {
		for name := range strings.FieldsSeq(names) {
			v.keywords[name] += " " + kind
		}
	}
	return v
}

// generator makes configurations, the same ones from the same numbers.
type generator struct {
	*rand.Rand
	*vocabulary
	names []string
	dir   string
}

func (g *generator) pick(list []string) string { return list[g.IntN(len(list))] }

func (g *generator) one(in int) bool { return g.IntN(in) == 0 }

// line is one setting, now and then with a value of another kind, or damaged.
func (g *generator) line() string {
	name := g.pick(g.names)
	kinds := strings.Fields(g.keywords[name])
	kind := g.pick(kinds)
	if g.one(40) {
		kind = g.pick([]string{"flag", "number", "path", "algos", "choice"})
	}
	good, rest := g.values[kind], g.values[kind]
	if i := slices.Index(good, "|"); i > 0 {
		good, rest = good[:i], rest[i+1:]
	}
	value := g.pick(good)
	if g.one(6) {
		value = g.pick(rest)
	}
	switch g.IntN(14) {
	case 0:
		name = strings.ToLower(name)
	case 1:
		name = strings.ToUpper(name)
	case 2:
		value = `"` + value + `"`
	case 3:
		return name + "=" + value
	case 4:
		return "\t " + name + " = " + value + " "
	case 5:
		return name + "  " + value + " # said"
	case 6:
		if g.one(6) {
			return name + " " + value + g.pick([]string{`"`, " extra", "\\", "'", "\f", "=", ","})
		}
	case 7:
		if g.one(8) {
			return g.pick([]string{"#" + name, name, "Unknown yes", "UseLogin no", "= x", name + value, `"` + name + `" ` + value})
		}
	}
	return name + " " + value
}

func (g *generator) match() string {
	criteria := []string{"all", "User root", "User ann,bob", "User !root,*", "Address 203.0.113.0/24", "Address 198.51.100.*,!198.51.100.7", "LocalPort 22",
		"LocalAddress 192.0.2.1", "Host *.example.org", "Group wheel", "Group root", "User an?", "Address 2001:db8::/32", "RDomain x"}
	text := "Match " + g.pick(criteria)
	if g.one(4) {
		text += " " + g.pick(criteria)
	}
	if g.one(40) {
		text = g.pick([]string{"Match", "Match User", "Match user=root", "match all all", "Match nobody x", "Match Address 203.0.113.0/99"})
	}
	return text
}

// file makes a configuration, and files that it includes.
func (g *generator) file(number, depth int) string {
	lines := []string{"HostKey " + g.dir + "/key"}
	if depth > 0 {
		lines = nil
	}
	for range g.IntN(10) {
		lines = append(lines, g.line())
		switch {
		case g.one(9):
			lines = append(lines, g.match())
		case depth < 2 && g.one(12):
			lines = append(lines, "Include "+g.include(number, depth))
		case g.one(15):
			lines = append(lines, g.pick([]string{"", "   ", "# a comment", "\t#x"}))
		}
	}
	end := "\n"
	if g.one(12) {
		end = "\r\n"
	}
	return strings.Join(lines, end) + g.pick([]string{"\n", ""})
}

// include writes a file or two and says how they are named.
func (g *generator) include(number, depth int) string {
	dir := filepath.Join(g.dir, fmt.Sprintf("conf%d-%d-%d", number, depth, g.IntN(1000)))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		panic(err)
	}
	for _, name := range []string{"10-a.conf", "20-b.conf"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(g.file(number, depth+1)), 0o644); err != nil {
			panic(err)
		}
	}
	return dir + g.pick([]string{"/*.conf", "/10-a.conf", "/20-b.conf " + dir + "/10-a.conf", "/none.conf", "/[12]?-*.conf"})
}

// unresolved is what sshd says of a host's name in ListenAddress that has no address.
// The parser resolves no names: it accepts them all.
var unresolved = regexp.MustCompile(`bad addr or host: .* \((Name or service not known|Temporary failure in name resolution|No address associated with hostname)\)`)

var errUnresolved = errors.New("a name is not resolved")

// ask asks the real sshd, and the parser, about a configuration; it returns how they
// differ.
func ask(name, spec string) (accepted bool, diff string, err error) {
	args := []string{"-T", "-f", name}
	if spec != "" {
		args = append(args, "-C", spec)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "/usr/sbin/sshd", args...)
	cmd.Env, cmd.Dir = []string{"LC_ALL=C"}, "/"
	var stdout, stderr strings.Builder
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	runErr := cmd.Run()
	if exit := (*exec.ExitError)(nil); runErr != nil && !errors.As(runErr, &exit) {
		return false, "", runErr
	}
	settings, ours := effective(name, spec)
	switch {
	case runErr == nil && ours != nil:
		return true, "sshd accepts, the parser says: " + ours.Error(), nil
	case runErr != nil && ours == nil && unresolved.MatchString(stderr.String()):
		return false, "", errUnresolved
	case runErr != nil && ours == nil:
		return false, "the parser accepts, sshd says: " + stderr.String(), nil
	case runErr != nil:
		return false, "", nil
	}
	return true, cmp.Diff(sshdconf.ParseDump(stdout.String()), dump(settings)), nil
}

func effective(name, spec string) (map[string]sshdconf.Value, error) {
	conn, err := sshdconf.ParseConn(spec, 902)
	if err != nil {
		return nil, err
	}
	config, err := sshdconf.Load(hostfs.Root{}, name, sshdconf.Options{Groups: rootOnly})
	if err != nil {
		return nil, err
	}
	return config.Effective(conn)
}

// inputs are how many configurations are tried, and from which seed.
func inputs(t *testing.T) (n int, seed uint64) {
	n, seed = usualInputs, uint64(time.Now().UnixNano())
	for name, set := range map[string]func(uint64){"SSHD_INPUTS": func(v uint64) { n = int(v) }, "SSHD_SEED": func(v uint64) { seed = v }} {
		if text := os.Getenv(name); text != "" {
			v, err := strconv.ParseUint(text, 10, 63)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			set(v)
		}
	}
	return n, seed
}

// TestGenerated compares the parser with the real sshd on configurations that are
// made at random: whether they are accepted, and every keyword's value.
func TestGenerated(t *testing.T) {
	n, seed := inputs(t)
	dir := t.TempDir()
	if out, err := exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", filepath.Join(dir, "key")).CombinedOutput(); err != nil {
		t.Fatalf("ssh-keygen: %v: %s", err, out)
	}
	if err := os.MkdirAll("/run/sshd", 0o755); err != nil { // sshd -T wants it
		t.Fatal(err)
	}
	words := newVocabulary(dir)
	var names []string
	for name := range words.keywords {
		names = append(names, name)
	}
	slices.Sort(names)
	specs := []string{"", "user=root,host=a.example.org,addr=203.0.113.9,laddr=192.0.2.1,lport=22", "user=ann,host=x,addr=198.51.100.7,laddr=192.0.2.2,lport=2222", "user=bob,host=x,addr=2001:db8::1"}
	var mu sync.Mutex
	var accepted, different, hostNames int
	var wg sync.WaitGroup
	for worker := range runtime.NumCPU() {
		wg.Go(func() {
			for i := worker; i < n; i += runtime.NumCPU() {
				g := &generator{rand.New(rand.NewPCG(seed, uint64(i))), words, names, dir}
				name := filepath.Join(dir, fmt.Sprintf("sshd_config%d", i))
				if err := os.WriteFile(name, []byte(g.file(i, 0)), 0o644); err != nil {
					t.Error(err)
					return
				}
				spec := g.pick(specs)
				ok, diff, err := ask(name, spec)
				mu.Lock()
				if ok {
					accepted++
				}
				if errors.Is(err, errUnresolved) {
					hostNames++
					err = nil
				}
				if (diff != "" || err != nil) && different < 20 {
					text, _ := os.ReadFile(name)
					t.Errorf("SSHD_SEED=%d, configuration %d, -C %q: %v (-sshd +parser)\n%s\n%s", seed, i, spec, err, diff, text)
					different++
				}
				mu.Unlock()
				included, _ := filepath.Glob(filepath.Join(dir, fmt.Sprintf("conf%d-*", i)))
				for _, name := range append(included, name) {
					_ = os.RemoveAll(name)
				}
			}
		})
	}
	wg.Wait()
	t.Logf("%d configurations, %d of them accepted, %d different, %d more for a host name that sshd cannot resolve (seed %d)", n, accepted, different, hostNames, seed)
	if accepted < n/10 || accepted > n*19/20 {
		t.Errorf("%d of %d are accepted: too few, or too many, to say much", accepted, n)
	}
}
