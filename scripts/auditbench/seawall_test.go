package auditbench

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/debug"
	"runtime/pprof"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"seawall/agent/detect/rules"
	"seawall/agent/sentry"
	"seawall/agent/spool"
	"seawall/agent/witness"
	"seawall/pkg/audit"
	"seawall/pkg/finding"
	"seawall/pkg/kaudit"
	"seawall/pkg/wire"
)

const (
	gcPercent = 50 // the sensor's
	lane      = "detections"
)

// readSeawall is the role of Seawall: what the sensor does with audit events, with all of
// its own detections and one more. With AUDITBENCH_PROFILE its CPU profile goes into that file.
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
	sp, err := spool.Open(filepath.Join(args[0], "spool"), spool.Config{})
	if err != nil {
		return err
	}
	defer sp.Close()
	// On a host it is systemd that makes it.
	memory, err := os.MkdirTemp("/dev/shm", "auditbench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(memory)
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError}))
	guard, err := newSentry(100, args[0], log)
	if err != nil {
		return err
	}
	var events atomic.Int64
	go answer(events.Load)
	go deliver(ctx, guard, sp)
	w := witness.New(witness.Config{
		Log: log, Mode: witness.Unicast, StateDir: args[0], RunDir: memory,
		Offer: func(witness.Change) {},
		Observe: func(e *audit.Event) {
			if e.HasKey(key) {
				events.Add(1)
			}
			guard.Observe(e)
		},
		Tick: guard.Tick, Gap: guard.Gap,
	})
	w.Watch(watched())
	if err := w.Run(ctx); ctx.Err() == nil {
		return err
	}
	guard.Close()
	return handOut(guard, sp)
}

// newSentry has so many rules at work, or all of our own: what there is beside them is in
// a file below dir.
func newSentry(count int, dir string, log *slog.Logger) (*sentry.Sentry, error) {
	own, err := rules.Own()
	if err != nil {
		return nil, err
	}
	text := canaryRule
	for i := range count - len(own) - 1 {
		text += "---\n" + variant(i)
	}
	name := filepath.Join(dir, "rules.yaml")
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		return nil, err
	}
	return sentry.New(sentry.Config{Log: log, Dir: name, Allow: filepath.Join(dir, "none")}), nil
}

// deliver takes detections to the spool, as the sensor does.
func deliver(ctx context.Context, guard *sentry.Sentry, sp *spool.Spool) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-guard.Ready():
		}
		if err := handOut(guard, sp); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
	}
}

func handOut(guard *sentry.Sentry, sp *spool.Spool) error {
	return guard.Deliver(func(d *finding.Detection) error {
		payload, err := wire.Encode(wire.Record{Time: time.Now(), Detection: d})
		if err == nil {
			_, err = sp.Append(lane, payload)
		}
		return err
	})
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

// canaryRule is the one that matches.
const canaryRule = `title: A canary is opened
id: 5f6d1c7e-0000-4000-8000-000000000000
level: low
logsource: {product: linux, category: file_event}
detection:
  selection: {TargetFilename|endswith: /` + canary + `}
  condition: selection
`

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
