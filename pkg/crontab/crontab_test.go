package crontab

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseSystem(t *testing.T) {
	const text = `# Debian's
SHELL=/bin/sh
PATH = "/usr/local/sbin:/sbin"
MAILTO=""

17 *	* * *	root	cd / && run-parts --report /etc/cron.hourly
@daily backup /opt/b.sh 50\% of it % input
*/5,10-20/2 0 1 jan,Feb mon-fri www-data php /srv/x
-0 1 * * * root /quiet
@often root /x
61x * * * * root /x
5 0 * * root
5 0 * *
`
	want := Table{
		Path: "/usr/local/sbin:/sbin",
		Jobs: []Job{
			{6, "17 * * * *", "root", "cd / && run-parts --report /etc/cron.hourly"},
			{7, "@daily", "backup", `/opt/b.sh 50\% of it`},
			{8, "*/5,10-20/2 0 1 jan,Feb mon-fri", "www-data", "php /srv/x"},
			{9, "0 1 * * *", "root", "/quiet"},
		},
		Problems: []Problem{
			{10, `"@often" is no time`, "@often root /x"},
			{11, `"61x" is no time`, "61x * * * * root /x"},
			{12, "it has fewer fields than a job", "5 0 * * root"},
			{13, "it has fewer fields than a job", "5 0 * *"},
		},
	}
	if diff := cmp.Diff(want, Parse([]byte(text), System)); diff != "" {
		t.Error(diff)
	}
}

func TestParseOthers(t *testing.T) {
	got := Parse([]byte("* * * * * true % x\nA=b\n@reboot  /x y\n"), User)
	if diff := cmp.Diff([]Job{{1, "* * * * *", "", "true"}, {3, "@reboot", "", "/x y"}}, got.Jobs); diff != "" {
		t.Error(diff)
	}
	got = Parse([]byte("START_HOURS_RANGE=3-22\n1\t5\tcron.daily\t\tnice run-parts /etc/cron.daily\n@monthly 45 m x %y\n"), Anacron)
	if diff := cmp.Diff([]Job{{2, "1 5 cron.daily", "", "nice run-parts /etc/cron.daily"}, {3, "@monthly 45 m", "", "x %y"}}, got.Jobs); diff != "" {
		t.Error(diff)
	}
	for _, line := range []string{"@daily x\n", "nonsense\n"} {
		for _, lines := range []int{maxJobs, maxJobs + 1} {
			if many := Parse([]byte(strings.Repeat(line, lines)), User); len(many.Jobs)+len(many.Problems) != maxJobs || many.More != (lines > maxJobs) {
				t.Errorf("%d lines: %d jobs, %d problems, more: %v", lines, len(many.Jobs), len(many.Problems), many.More)
			}
		}
	}
}

func TestPrograms(t *testing.T) {
	for command, want := range map[string]string{
		"/usr/bin/x -a /etc/y":                                                         "/usr/bin/x",
		"cd / && run-parts --report /etc/cron.hourly":                                  "run-parts /etc/cron.hourly",
		"test -x /usr/sbin/anacron || { cd / && run-parts --report /etc/cron.daily; }": "run-parts /etc/cron.daily",
		"[ -d /run/systemd ] || /usr/lib/x 2>/dev/null >> /var/log/x.log":              "/usr/lib/x",
		"A=1 B='2 3' nice -n 10 ionice -c3 /opt/a b; bash -eu /opt/s.sh arg":           "nice ionice /opt/a bash /opt/s.sh",
		"python3 -m thing":                                    "python3",
		"/bin/sh -c 'cd /x && /opt/y \"z\"'":                  "/bin/sh /opt/y",
		"flock -w 5 /run/lock/x /opt/z | logger -t z":         "flock /opt/z logger",
		"sudo -u www-data -- php /srv/a.php &":                "sudo php /srv/a.php",
		"if [ -x /x ]; then /x; fi # /y":                      "/x",
		". /etc/profile; $HOME/bin/x; `which y`":              "/etc/profile",
		"timeout 5 env X=1 /opt/q":                            "timeout env /opt/q",
		`/opt/with\ blank "a`:                                 "/opt/with blank",
		"command -v debian-sa1 > /dev/null && debian-sa1 1 1": "command debian-sa1",
		"[ -x /usr/lib/php/sessionclean ] && if [ ! -d /run/systemd ]; then /usr/lib/php/c; fi ": "/usr/lib/php/c",
		"": "", "2>": "", ">": "", "nice": "nice", "bash -c": "bash",
	} {
		all, more := Programs(command)
		if got := strings.Join(all, " "); got != want || more {
			t.Errorf("%s\n got %s\nwant %s, more: %v", command, got, want, more)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"* * * * * root x\n", "@daily x y\nPATH=/x\n", "1 2 a b\n", "-\n", "=\n", "%", "a='b\" \\", "bash -c 'bash -c x'", "sh -cc sh"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, format := range []Format{System, User, Anacron} {
			for _, j := range Parse(text, format).Jobs {
				if j.Line < 1 || strings.ContainsAny(j.User, " \t") {
					t.Fatalf("%+v", j)
				}
				Programs(j.Command)
			}
		}
		Programs(string(text[:min(len(text), maxText)]))
	})
}

// TestParseHostile: long lines, many words and bytes that are no text are bounded.
func TestParseHostile(t *testing.T) {
	long := Parse([]byte("@daily root "+strings.Repeat("x ", 1<<19)+"\n@daily root /y\n"), System)
	if len(long.Jobs) != 2 || len(long.Jobs[0].Command) > maxText || long.Jobs[1].Line != 2 || !long.More {
		t.Errorf("%d jobs, %d bytes", len(long.Jobs), len(long.Jobs[0].Command))
	}
	if comment := Parse([]byte("#"+strings.Repeat(" x", maxText)+"\n@daily root /y\n"), System); len(comment.Jobs) != 1 || comment.More {
		t.Errorf("a long comment: %+v", comment)
	}
	for words, want := range map[int]bool{maxWords: false, maxWords + 1: true} {
		for _, command := range []string{strings.Repeat("/a;", words), "sh -c '" + strings.Repeat("/a;", words) + "'"} {
			if got, more := Programs(command); len(got) > 2 || more != want {
				t.Errorf("%d words: %d programs, more: %v", words, len(got), more)
			}
		}
	}
	var many strings.Builder
	for range 2 * maxWords {
		many.WriteString("/a" + strings.Repeat("b", many.Len()%97) + ";")
	}
	if got, _ := Programs(many.String()); len(got) == 0 || len(got) > maxWords {
		t.Errorf("%d programs", len(got))
	}
	for _, text := range []string{"\x00\xff * * * * root x\n", "* * * * *\x00root x\n", "PATH\n", "=x\n", "- - - - - -\n"} {
		if got := Parse([]byte(text), System); len(got.Jobs) != 0 {
			t.Errorf("%q: %+v", text, got.Jobs)
		}
	}
}

func TestPath(t *testing.T) {
	for text, want := range map[string]string{
		"PATH=/a:/b\n": "/a:/b", "PATH = '/a'\nPATH=/c\n": "/c", "\"PATH\" = \"/d\"\n": "/d", "MYPATH=/x\n": "", "@daily root PATH=/x y\n": "", "* * * * * root PATH=/x y\n": "",
	} {
		if got := Parse([]byte(text), System).Path; got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
