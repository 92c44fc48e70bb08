package auditbench

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/debug"
	"runtime/pprof"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"seawall/agent/detect"
	"seawall/agent/detect/rules"
	"seawall/agent/login"
	"seawall/agent/process"
	"seawall/agent/spool"
	"seawall/agent/witness"
	"seawall/pkg/audit"
	"seawall/pkg/finding"
	"seawall/pkg/kaudit"
	"seawall/pkg/sigma"
	"seawall/pkg/sigma/rulefile"
	"seawall/pkg/wire"
)

// gcPercent is the sensor's.
const gcPercent = 50

// readSeawall is the role of Seawall: what the sensor does with audit events, with so
// many detections. With AUDITBENCH_PROFILE its CPU profile goes into that file.
func readSeawall(ctx context.Context, args []string) error {
	debug.SetGCPercent(gcPercent)
	if name := os.Getenv("AUDITBENCH_PROFILE"); name != "" {
		f, err := os.Create(name)
		if err != nil {
			return err
		}
		defer f.Close()
		if err := pprof.StartCPUProfile(f); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	count := 100
	if len(args) > 1 {
		if _, err := fmt.Sscan(args[1], &count); err != nil {
			return err
		}
	}
	s, err := spool.Open(filepath.Join(args[0], "spool"), spool.Config{})
	if err != nil {
		return err
	}
	defer s.Close()
	d, err := newDetector(count, s)
	if err != nil {
		return err
	}
	var events atomic.Int64
	go answer(events.Load)
	w := witness.New(witness.Config{
		Log: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})), Mode: witness.Unicast,
		Offer: func(witness.Change) {},
		Observe: func(e *audit.Event) {
			if e.HasKey(key) {
				events.Add(1)
			}
			d.Observe(e)
		},
		Tick: d.Advance,
	})
	w.Watch(watched())
	if err := w.Run(ctx); ctx.Err() == nil {
		return err
	}
	d.Close()
	return nil
}

// drain is the role that only receives: the floor of all that read in this language.
func drain(ctx context.Context) error {
	conn, err := kaudit.Open(kaudit.Unicast)
	if err != nil {
		return err
	}
	defer conn.Close()
	var events atomic.Int64
	go answer(events.Load)
	err = conn.Receive(ctx, func(typ uint16, _ []byte) {
		if typ == unix.AUDIT_PROCTITLE {
			events.Add(1)
		}
	})
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// watched are names such as the sensor watches.
func watched() []string {
	var names []string
	for _, dir := range []string{"/etc/ssh", "/etc/pam.d", "/etc/apt", "/etc/systemd/system", "/usr/lib/systemd/system", "/etc/sysctl.d"} {
		names = append(names, dir+"/")
		for i := range 60 {
			names = append(names, fmt.Sprintf("%s/file-%d.conf", dir, i))
		}
	}
	return names
}

func newDetector(count int, s *spool.Spool) (*detect.Detector, error) {
	list, err := detections(count)
	if err != nil {
		return nil, err
	}
	table := process.New(process.Config{})
	table.Scan()
	sessions := login.New(login.Config{})
	sessions.Load(time.Now())
	return detect.New(detect.Config{
		Rules: list, Processes: table, Sessions: sessions, User: func(uint32) string { return "games" },
		Report: func(x finding.Detection) {
			payload, err := wire.Encode(wire.Record{Detection: &x})
			if err == nil {
				_, err = s.Append("detections", payload)
			}
			if err != nil {
				fmt.Fprintln(os.Stderr, err)
			}
		},
	})
}

// canaryRule is the one that matches.
const canaryRule = `title: A canary is opened
id: 5f6d1c7e-0000-4000-8000-000000000000
level: low
logsource: {product: linux, category: file_event}
detection:
  selection: {TargetFilename|endswith: /` + canary + `}
  condition: selection
`

// detections are so many rules: our own, those of correlations first, then more of
// their kind.
func detections(count int) ([]sigma.Rule, error) {
	list, err := rulefile.Parse("canary", []byte(canaryRule))
	if err != nil {
		return nil, err
	}
	own, err := rules.Own()
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(own, func(a, b sigma.Rule) int { return part(a) - part(b) })
	list = append(list, own...)
	for i := 0; len(list) < count; i++ {
		more, err := rulefile.Parse("more", []byte(variant(i)))
		if err != nil {
			return nil, err
		}
		list = append(list, more...)
	}
	return list[:count], nil
}

// part orders rules: correlations, what they count, all others.
func part(r sigma.Rule) int {
	switch {
	case r.Correlation != nil:
		return 0
	case r.Level <= 1 || r.Name != "":
		return 1
	}
	return 2
}

// variant makes a rule in the manner of our own.
func variant(i int) string {
	tool := strings.Fields("bash zsh python3 perl curl wget nc socat ssh tar base64 openssl chattr useradd passwd systemctl crontab nft insmod dd")[i%20]
	head := fmt.Sprintf("title: variant %d\nid: 5f6d1c7e-0000-4000-8001-%012d\nlevel: medium\nlogsource: {product: linux, %%s}\ndetection:\n", i, i)
	switch i % 8 {
	case 0, 1, 2:
		return fmt.Sprintf(head+`  image: {Image|endswith: ['/%s', '/%[2]s-%[3]d']}
  line: {CommandLine|contains: [' --%[2]s-%[3]d', ' /opt/%[3]d/%[2]s', '-x%[3]d']}
  condition: image and line
`, "category: process_creation", tool, i)
	case 3, 4, 5:
		return fmt.Sprintf(head+`  place: {TargetFilename|startswith: ['/srv/%s-%d/', '/etc/%[2]s.d/%[3]d']}
  kind: {TargetFilename|endswith: ['.%[2]s', '-%[3]d.conf']}
  known: {Image|endswith: /dpkg}
  condition: (place or kind) and not known
`, "category: file_event", tool, i)
	case 6:
		return fmt.Sprintf(head+`  to: {DestinationPort: [%d, %d], Initiated: 'true'}
  image: {Image|endswith: '/%s'}
  condition: to and image
`, "category: network_connection", 1024+i, 2048+i, tool)
	}
	return fmt.Sprintf(head+`  selection: {type: PATH, name|startswith: '/var/lib/%s/%d', nametype: [CREATE, DELETE]}
  condition: selection
`, "service: auditd", tool, i)
}
