package uplink

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"time"

	"google.golang.org/grpc"
	grpcbackoff "google.golang.org/grpc/backoff"
	"google.golang.org/grpc/keepalive"

	"seawall/agent/identity"
	"seawall/agent/reach"
	"seawall/agent/spool"
	"seawall/agent/uplink/pace"
	"seawall/agent/uplink/refusal"
	"seawall/pkg/squeeze"
	"seawall/pkg/text"
	seawallv1 "seawall/proto/seawall/v1"
)

// Config says what an uplink connects. All fields but those that say otherwise
// must be set.
type Config struct {
	Spool      string // the spool's directory; it may be made later
	StateDir   string // made when missing
	Collector  string // host:port
	Identity   *identity.Identity
	MaxBackoff time.Duration // default 60 s
	Version    string        // of this program; a label
	Log        *slog.Logger
	OnChange   func(State) // told when the connection changes; optional, must not block
	// Prepare makes the identity ready for a connection, and is called before each;
	// optional.
	Prepare func(ctx context.Context) error

	run      func(context.Context, *Uplink) (outcome, error) // in place of connect; for tests
	patience time.Duration                                   // in place of welcomeTimeout; for tests
	dial     func(context.Context, string) (net.Conn, error) // in place of the network; for tests
}

// How long the network may take.
const (
	dialTimeout      = 10 * time.Second
	welcomeTimeout   = 15 * time.Second
	keepaliveTime    = 20 * time.Second
	keepaliveTimeout = 10 * time.Second
	maxDrain         = 10 * time.Minute // longest pause that a drain may ask for
	stableAfter      = time.Minute      // a stream that lived so long was a good one
	maxResponse      = 64 << 10         // largest message that is read
	maxReason        = 512              // longest reason that is kept
)

// Uplink carries one spool to one collector.
type Uplink struct {
	cfg   Config
	log   *slog.Logger
	board *board
	pause *pace.Backoff
	codec *squeeze.Codec
	again bool // the last attempt was made at once, since the certificate had expired
}

// New checks the configuration and reads the state of an earlier run.
func New(cfg Config) (*Uplink, error) {
	if _, _, err := net.SplitHostPort(cfg.Collector); err != nil {
		return nil, fmt.Errorf("collector's address: %w", err)
	}
	if cfg.MaxBackoff == 0 {
		cfg.MaxBackoff = time.Minute
	}
	if cfg.patience == 0 {
		cfg.patience = dialTimeout + welcomeTimeout
	}
	if cfg.run == nil {
		cfg.run = connect
	}
	codec, err := squeeze.New(maxBatch+entryOverhead+spool.MaxPayload, 1)
	if err != nil {
		return nil, fmt.Errorf("compression: %w", err)
	}
	u := &Uplink{cfg: cfg, log: cfg.Log, pause: pace.NewBackoff(), codec: codec}
	u.board = &board{dir: cfg.StateDir, log: cfg.Log, onChange: cfg.OnChange}
	old, err := ReadState(cfg.StateDir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		u.log.Warn("state ignored", "err", err) // the collector knows better anyway
	}
	u.board.state = State{Host: cfg.Identity.Host(), Collector: cfg.Collector, Since: time.Now(), Acked: old.Acked}
	if u.board.state.Acked == nil {
		u.board.state.Acked = map[string]spool.Position{}
	}
	return u, nil
}

// State returns the uplink's state now.
func (u *Uplink) State() State { return u.board.get() }

// outcome is what a stream came to.
type outcome struct {
	welcomed time.Time     // zero when the collector did not accept it
	drained  bool          // the collector asked to leave
	within   time.Duration // and to come back within this time
}

// Run carries records until ctx ends, however often the network or the collector
// fails. Its error is one of this machine.
func (u *Uplink) Run(ctx context.Context) error {
	if err := os.MkdirAll(u.cfg.StateDir, 0o700); err != nil {
		return fmt.Errorf("state directory: %w", err)
	}
	lock, err := lockDir(u.cfg.StateDir)
	if err != nil {
		return err
	}
	defer lock.Close()
	defer u.board.save()
	said := ""
	for {
		out, err := u.once(ctx)
		if ctx.Err() != nil {
			break
		}
		reason := refusal.Reason(err)
		pause := u.plan(out, reason, errors.Is(err, pace.ErrShut))
		why := text.Terminal(text.Clean(err.Error(), maxReason)) // some of it is the collector's
		u.disconnected(why, reason, pause)
		// The same reason again and again is one line.
		level := slog.LevelWarn
		switch {
		case why == said:
			level = slog.LevelDebug
		case out.drained:
			level = slog.LevelInfo
		}
		said = why
		u.log.Log(ctx, level, "not connected", "collector", u.cfg.Collector, "retry", pause.Round(time.Millisecond), "err", why)
		if !sleep(ctx, pause) {
			break
		}
	}
	u.disconnected("stopped", seawallv1.Reason_REASON_UNSPECIFIED, -1)
	return nil
}

// once makes one attempt. There is always an error.
func (u *Uplink) once(ctx context.Context) (outcome, error) {
	if u.cfg.Prepare != nil {
		if err := u.cfg.Prepare(ctx); err != nil {
			return outcome{}, fmt.Errorf("prepare: %w", err)
		}
	}
	host := u.cfg.Identity.Host()
	u.board.update(false, func(s *State) { s.Host = host })
	return u.cfg.run(ctx, u)
}

// plan returns how long to wait after a stream, or after the door was shut.
func (u *Uplink) plan(out outcome, reason seawallv1.Reason, shut bool) time.Duration {
	lived := time.Duration(0)
	if !out.welcomed.IsZero() {
		lived = time.Since(out.welcomed)
	}
	if lived >= stableAfter {
		u.pause.Reset()
	}
	expired := reason == seawallv1.Reason_REASON_CERTIFICATE_EXPIRED
	if expired && !u.again {
		u.again = true
		return 0 // Prepare renews it
	}
	u.again = expired
	if shut {
		return u.pause.Crowded(u.cfg.MaxBackoff)
	}
	if !out.drained {
		return u.pause.Next(refusal.Patience(reason, u.cfg.MaxBackoff))
	}
	pause := u.pause.Random(min(out.within, maxDrain))
	if lived < time.Second { // sent away at once, perhaps again and again
		pause += u.pause.Next(u.cfg.MaxBackoff)
	}
	return pause
}

func (u *Uplink) disconnected(why string, reason seawallv1.Reason, pause time.Duration) {
	u.board.update(true, func(s *State) {
		if s.Connected {
			s.Connected, s.Since, s.Attempts = false, time.Now(), 0
		}
		s.Attempts++
		s.Error, s.Refusal, s.Next = why, refusal.Word(reason), time.Time{}
		if pause >= 0 {
			s.Next = time.Now().Add(pause)
		}
	})
}

func (u *Uplink) connected() {
	u.board.update(true, func(s *State) {
		s.Connected, s.Since, s.Attempts, s.Error, s.Refusal, s.Next = true, time.Now(), 0, "", "", time.Time{}
	})
	u.log.Info("connected", "collector", u.cfg.Collector)
}

// sleep reports whether it slept to the end.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

// connect runs one stream over a connection of its own, so that no pause but ours
// is between attempts.
func connect(ctx context.Context, u *Uplink) (outcome, error) {
	line := reach.Line{Open: u.cfg.dial, Patience: dialTimeout}
	door := pace.Door{Dial: line.Dial, Unanswered: keepaliveTimeout}
	conn, err := grpc.NewClient("passthrough:///"+u.cfg.Collector,
		grpc.WithTransportCredentials(line.TLS(u.cfg.Identity.TLS())),
		grpc.WithContextDialer(door.Open),
		grpc.WithConnectParams(grpc.ConnectParams{Backoff: grpcbackoff.DefaultConfig, MinConnectTimeout: dialTimeout}),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: keepaliveTime, Timeout: keepaliveTimeout}),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxResponse)),
		grpc.WithMaxHeaderListSize(8<<10),
		grpc.WithStaticStreamWindowSize(64<<10),
		grpc.WithStaticConnWindowSize(64<<10),
		grpc.WithReadBufferSize(16<<10),
		grpc.WithWriteBufferSize(16<<10),
		grpc.WithDisableServiceConfig(),
		grpc.WithDisableRetry(),
		grpc.WithUserAgent("seawall-uplink/"+u.cfg.Version))
	if err != nil {
		return outcome{}, fmt.Errorf("connect: %w", err)
	}
	defer conn.Close()
	out, err := runSession(ctx, u, conn)
	return out, door.Tell(line.Explain(err))
}
