package main

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

const benchFields = "Image CommandLine ParentImage ParentCommandLine User CurrentDirectory"

// benchRules makes rules in the manner of those that people write for Linux.
func benchRules(count int) string {
	random := rand.New(rand.NewPCG(1, 2))
	word := func(n int) string {
		b := make([]byte, n)
		for i := range b {
			b[i] = "abcdefghijklmnopqrstuvwxyz-_"[random.IntN(28)]
		}
		return string(b)
	}
	tools := strings.Fields("bash sh dash zsh python3 perl ruby php curl wget nc ncat socat ssh scp tar gzip base64 openssl chmod chattr useradd usermod passwd systemctl crontab iptables nft insmod modprobe dd mount")
	var rules []string
	for i := range count {
		var text strings.Builder
		tool := pick(random, tools...)
		fmt.Fprintf(&text, "title: rule %d\nlogsource: {product: linux, category: process_creation}\ndetection:\n  img:\n    Image|endswith: ['/%s', '/%s']\n  cli:\n    CommandLine|contains:\n", i, tool, word(6))
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
		fmt.Fprintf(&text, "  condition: %s\n", condition)
		rules = append(rules, text.String())
	}
	return strings.Join(rules, "---\n")
}

// benchEvents are processes of a busy host.
func benchEvents() []fields {
	var events []fields
	for _, line := range []string{
		"/usr/bin/bash|bash -c cd /var/www/app && git pull --ff-only origin main && systemctl reload app|/usr/sbin/cron|/usr/sbin/CRON -f|www-data|/var/www/app",
		"/usr/bin/python3.11|/usr/bin/python3 -m pytest -q tests/unit/test_login.py --maxfail=1 --disable-warnings|/usr/bin/make|make test|build|/home/build/src/app",
		"/usr/bin/gcc-12|gcc -O2 -g -Wall -Wextra -I./include -I/usr/include/x86_64-linux-gnu -DNDEBUG -c src/http/parser.c -o build/http/parser.o|/usr/bin/make|make -j8|build|/home/build/src/server",
		"/usr/bin/ls|ls -la /etc/nginx/sites-enabled|/usr/bin/bash|-bash|root|/root",
		"/usr/sbin/nginx|nginx: worker process|/usr/sbin/nginx|nginx: master process /usr/sbin/nginx -g daemon on; master_process on;|www-data|/",
		"/usr/bin/curl|curl -fsS --retry 3 https://api.example.com/v1/health?token=abcdef0123456789 -o /tmp/health.json|/usr/bin/bash|bash /usr/local/bin/check-health.sh|monitor|/",
		"/usr/bin/dpkg|/usr/bin/dpkg --status-fd 17 --no-triggers --unpack --auto-deconfigure --recursive /tmp/apt-dpkg-install-Q3xYzA|/usr/bin/apt-get|apt-get -y upgrade|root|/",
		"/usr/bin/sudo|sudo -u postgres psql -c select pid, state, query from pg_stat_activity where state <> 'idle' order by query_start|/usr/bin/bash|-bash|alice|/home/alice",
	} {
		e := fields{}
		for i, value := range strings.Split(line, "|") {
			e[strings.Fields(benchFields)[i]] = value
		}
		events = append(events, e)
	}
	return events
}
