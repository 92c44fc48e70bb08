package match

import (
	"fmt"
	"math/bits"
	"math/rand/v2"
	"strings"
	"syscall"
	"testing"
	"time"

	"seawall/pkg/sigma"
	"seawall/pkg/sigma/event"
)

// The rules and events of the measurements: rules in the manner of those that people
// write for Linux, events like those of a busy host, of which few match.

func benchTaxonomy() event.Taxonomy {
	return event.Taxonomy{
		{Logsource: event.Logsource{Product: "linux", Category: "process_creation"}, Fields: map[string]event.Field{
			"Image": 0, "CommandLine": 1, "ParentImage": 2, "ParentCommandLine": 3, "User": 4, "CurrentDirectory": 5, "LogonId": 6}},
		{Logsource: event.Logsource{Product: "linux", Service: "auditd"}, Fields: map[string]event.Field{
			"type": 0, "a0": 1, "a1": 2, "a2": 3, "a3": 4, "exe": 5, "name": 6, "comm": 7, "key": 8}},
	}
}

// benchRules makes rules: every seventh has a regular expression, every tenth
// an exception, some have lists of many values.
func benchRules(tb testing.TB, count int) []sigma.Rule {
	random := rand.New(rand.NewPCG(1, 2))
	word := func(n int) string {
		b := make([]byte, n)
		for i := range b {
			b[i] = "abcdefghijklmnopqrstuvwxyz-_"[random.IntN(28)]
		}
		return string(b)
	}
	tools := strings.Fields("bash sh dash zsh python3 perl ruby php curl wget nc ncat socat ssh scp tar gzip base64 openssl chmod chattr useradd usermod passwd systemctl crontab iptables nft insmod modprobe dd mount")
	var text strings.Builder
	for i := range count {
		tool := tools[random.IntN(len(tools))]
		fmt.Fprintf(&text, "title: rule %d\nid: bench-%d\nlevel: medium\nlogsource: {product: linux, category: process_creation}\ndetection:\n  img:\n    Image|endswith: ['/%s', '/%s']\n", i, i, tool, word(6))
		fmt.Fprintf(&text, "  cli:\n    CommandLine|contains:\n")
		for range 2 + random.IntN(8) {
			fmt.Fprintf(&text, "      - ' %s'\n      - '/%s/%s'\n", word(3+random.IntN(8)), word(4), word(5))
		}
		condition := "img and cli"
		switch {
		case i%7 == 0:
			fmt.Fprintf(&text, "  re: {CommandLine|re: '%s[0-9]{2,} +(-x|--%s)'}\n", word(4), word(5))
			condition = "img and (cli or re)"
		case i%10 == 0:
			fmt.Fprintf(&text, "  filter: {ParentImage|startswith: '/usr/lib/%s'}\n", word(5))
			condition = "cli and not filter"
		case i%11 == 0:
			fmt.Fprintf(&text, "  both: {CommandLine|contains|all: [' %s ', ' -%s']}\n", tool, word(2))
			condition = "both"
		}
		fmt.Fprintf(&text, "  condition: %s\n---\n", condition)
	}
	return parse(tb, text.String())
}

// benchEvents are processes by image, command line, parent and so on.
func benchEvents() [][]string {
	var events [][]string
	for _, line := range []string{
		"/usr/bin/bash|bash -c cd /var/www/app && git pull --ff-only origin main && systemctl reload app|/usr/sbin/cron|/usr/sbin/CRON -f|www-data|/var/www/app|3",
		"/usr/bin/python3.11|/usr/bin/python3 -m pytest -q tests/unit/test_login.py --maxfail=1 --disable-warnings|/usr/bin/make|make test|build|/home/build/src/app|17",
		"/usr/bin/gcc-12|gcc -O2 -g -Wall -Wextra -I./include -I/usr/include/x86_64-linux-gnu -DNDEBUG -c src/http/parser.c -o build/http/parser.o|/usr/bin/make|make -j8|build|/home/build/src/server|17",
		"/usr/bin/ls|ls -la /etc/nginx/sites-enabled|/usr/bin/bash|-bash|root|/root|4",
		"/usr/sbin/nginx|nginx: worker process|/usr/sbin/nginx|nginx: master process /usr/sbin/nginx -g daemon on; master_process on;|www-data|/|4294967295",
		"/usr/bin/curl|curl -fsS --retry 3 https://api.example.com/v1/health?token=abcdef0123456789 -o /tmp/health.json|/usr/bin/bash|bash /usr/local/bin/check-health.sh|monitor|/|4294967295",
		"/usr/bin/dpkg|/usr/bin/dpkg --status-fd 17 --no-triggers --unpack --auto-deconfigure --recursive /tmp/apt-dpkg-install-Q3xYzA|/usr/bin/apt-get|apt-get -y upgrade|root|/|9",
		"/usr/bin/sudo|sudo -u postgres psql -c select pid, state, query from pg_stat_activity where state <> 'idle' order by query_start|/usr/bin/bash|-bash|alice|/home/alice|21",
	} {
		events = append(events, strings.Split(line, "|"))
	}
	return events
}

func benchMatcher(tb testing.TB, rules int) (*Matcher, *Scratch, []*event.Event, int) {
	m, err := Compile(benchRules(tb, rules), benchTaxonomy())
	if err != nil {
		tb.Fatal(err)
	}
	var events []*event.Event
	size := 0
	for _, values := range benchEvents() {
		e := new(event.Event)
		e.Reset(0)
		for i, v := range values {
			e.AddString(event.Field(i), v)
			size += len(v)
		}
		events = append(events, e)
	}
	return m, m.NewScratch(), events, size / len(events)
}

// cpu returns the processor time of this process: what is waited for others is not in it.
func cpu(b *testing.B) time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

func BenchmarkMatch(b *testing.B) {
	for _, rules := range []int{1, 100, 500, 2000} {
		b.Run(fmt.Sprintf("rules=%d", rules), func(b *testing.B) {
			m, s, events, size := benchMatcher(b, rules)
			b.SetBytes(int64(size))
			b.ReportAllocs()
			found, i, before := 0, 0, cpu(b)
			for b.Loop() {
				found += len(m.Match(events[i%len(events)], s))
				i++
			}
			b.ReportMetric(float64(cpu(b)-before)/float64(i), "cpu-ns/op")
			b.ReportMetric(float64(found)/float64(i), "matches/op")
			b.ReportMetric(float64(m.Size()), "table-bytes")
		})
	}
}

func BenchmarkCompile(b *testing.B) {
	rules := benchRules(b, 500)
	for b.Loop() {
		if _, err := Compile(rules, benchTaxonomy()); err != nil {
			b.Fatal(err)
		}
	}
}

// TestAllocations fills and matches events as a program would.
func TestAllocations(t *testing.T) {
	m, s, _, _ := benchMatcher(t, 100)
	e := new(event.Event)
	events := benchEvents()
	events = append(events, []string{"/usr/bin/Ünïcode", "é\xff /sh", "10.0.0.1"})
	for _, rules := range []*Matcher{m, compile(t, parse(t, rule("{s: {a|re: 'u[a-z]r/[^ ]+n'}, n: {a|cidr: 10.0.0.0/8}, l: {b|lt: 7, c|fieldref: a}, f: ['x?y*', k], condition: 1 of them or not s}")))} {
		if rules != m {
			s = rules.NewScratch()
		}
		i := 0
		run := func() {
			e.Reset(0)
			for f, v := range events[i%len(events)] {
				e.AddString(event.Field(f), v)
			}
			rules.Match(e, s)
			i++
		}
		for range events {
			run()
		}
		if n := testing.AllocsPerRun(1000, run); n != 0 {
			t.Errorf("%v allocations an event", n)
		}
	}
}

// TestFewAreWoken counts the rules that are evaluated at all, of 500.
func TestFewAreWoken(t *testing.T) {
	m, s, events, _ := benchMatcher(t, 500)
	woken := 0
	for _, e := range events {
		m.Match(e, s)
		for _, word := range s.slots {
			woken += bits.OnesCount64(word)
		}
	}
	if perEvent := float64(woken) / float64(len(events)); perEvent > 15 {
		t.Errorf("%v rules are evaluated for an event", perEvent)
	} else {
		t.Logf("%v rules are evaluated for an event", perEvent)
	}
	if m.Size() > 2<<20 {
		t.Errorf("the automata take %d bytes", m.Size())
	}
}
