package fault

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"seawall/agent/enrol"
	"seawall/agent/identity"
	"seawall/agent/machine"
	"seawall/agent/spool"
	"seawall/agent/uplink"
	"seawall/pkg/wire"
	"seawall/scripts/stage"
)

func identityFaults() []fault {
	return []fault{
		{"F19", "collector restarts under many", "kill -9 with 120 hosts connected", "all back, spread over time, nothing twice", manyReturn},
		{"F48", "cloned machine", "state copied to another droplet, then used twice on one", "copy waits for approval; a key used twice is quarantined", cloned},
		{"F49", "enrolment goes wrong", "answer lost, 12 at once with one token, token used again", "one host each; one winner; refused", enrolments},
	}
}

// another enrols a further host of its own, in this process.
func (s *system) another(t *testing.T, address, name string) *identity.Identity {
	t.Helper()
	return s.enrolled(t, address, name, s.token(t))
}

func (s *system) enrolled(t *testing.T, address, name, token string) *identity.Identity {
	t.Helper()
	dir := folder(t)
	file := filepath.Join(dir, "token")
	if err := os.WriteFile(file, []byte(token), 0o600); err != nil {
		t.Fatal(err)
	}
	id, err := identity.Open(dir, identity.Config{})
	if err != nil {
		t.Fatal(err)
	}
	e := enrol.New(enrol.Config{
		Identity: id, StateDir: dir, Collector: address, TokenFile: file, MaxBackoff: time.Second,
		Machine: func() (machine.Machine, error) { return machine.Machine{HostName: name, DropletID: name}, nil },
		Version: "fault", Log: slog.New(slog.DiscardHandler),
	})
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	if err := e.Ensure(ctx); err != nil {
		t.Fatalf("enrol %s: %v", name, err)
	}
	return id
}

// host is what the collector says of a host.
type host struct {
	ID, Name, Standing, Reason string
	CloneOf                    string `json:"clone_of"`
	Presence                   string
}

// hosts are the collector's members and those that wait.
func (s *system) hosts(t *testing.T) (members, waiting []host) {
	t.Helper()
	var answer struct{ Members, Requests []host }
	text := must(t, stage.Built(t, "seawall-collector"), "host", "list", "--json", "--state-dir", s.state)
	if err := json.Unmarshal([]byte(text), &answer); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return answer.Members, answer.Requests
}

func manyReturn(t *testing.T) string {
	const many, each = 120, 5
	s := startSystem(t, ground{direct: true})
	address := s.uplink.Argv[indexOf(s.uplink.Argv, "--collector")+1]
	token := s.token(t, "--uses", fmt.Sprint(many))
	ctx, stop := context.WithCancel(t.Context())
	var group sync.WaitGroup
	t.Cleanup(func() { stop(); group.Wait() })
	var mu sync.Mutex
	connected, connections, returned := map[int]bool{}, 0, []time.Time{}
	count := func() int {
		mu.Lock()
		defer mu.Unlock()
		return len(connected)
	}
	var spools []*spool.Spool
	for n := range many {
		id := s.enrolled(t, address, fmt.Sprint("host", n), token)
		dir := folder(t)
		sp, err := spool.Open(filepath.Join(dir, "spool"), spool.Config{Lanes: map[string]int64{"posture": 1 << 20}})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { sp.Close() })
		spools = append(spools, sp)
		u, err := uplink.New(uplink.Config{
			Spool: filepath.Join(dir, "spool"), StateDir: filepath.Join(dir, "state"), Collector: address, Identity: id,
			MaxBackoff: 5 * time.Second, Version: "fault", Log: slog.New(slog.DiscardHandler),
			OnChange: func(state uplink.State) {
				mu.Lock()
				defer mu.Unlock()
				if state.Connected && !connected[n] {
					connected[n], connections, returned = true, connections+1, append(returned, time.Now())
				} else if !state.Connected {
					delete(connected, n)
				}
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		group.Go(func() { u.Run(ctx) })
	}
	write := func(life int) {
		for n, sp := range spools {
			for i := range each {
				payload, err := wire.Encode(made(1000*life+n, i))
				if err != nil {
					t.Fatal(err)
				}
				if _, err := sp.AppendSync("posture", payload); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	stage.Await(t, "all hosts", 60*time.Second, func() bool { return count() == many })
	write(1)
	stage.Await(t, "their findings", 60*time.Second, func() bool { return s.findings() == many*each })
	s.collector.Kill()
	stage.Await(t, "all hosts' leaving", 60*time.Second, func() bool { return count() == 0 })
	write(2)
	mu.Lock()
	connections, returned = 0, nil
	mu.Unlock()
	start := time.Now()
	s.collector.Start(t)
	stage.Await(t, "all hosts' return", 90*time.Second, func() bool { return count() == many })
	back := time.Since(start)
	stage.Await(t, "their findings", 60*time.Second, func() bool { return s.findings() >= 2*many*each })
	mu.Lock()
	spread := slices.MaxFunc(returned, time.Time.Compare).Sub(slices.MinFunc(returned, time.Time.Compare))
	tries := connections
	mu.Unlock()
	if n := s.findings(); n != 2*many*each {
		t.Errorf("%d findings, want %d", n, 2*many*each)
	}
	return fmt.Sprintf("%d hosts back after %.1f s, spread over %.1f s, %d connections, %d findings, none twice", many, back.Seconds(), spread.Seconds(), tries, 2*many*each)
}

func cloned(t *testing.T) string {
	s := startSystem(t, ground{})
	l := newLedger()
	s.write(t, l, 0, 50)
	s.arrived(t)
	copyOf := func(droplet string) *stage.Program {
		dir := folder(t)
		must(t, "cp", "-a", s.home, filepath.Join(dir, "uplink"))
		must(t, "cp", "-a", s.spool, filepath.Join(dir, "spool"))
		thisMachine(t, filepath.Join(dir, "spool"), droplet)
		p := &stage.Program{Argv: slices.Clone(s.uplink.Argv), Cred: s.uplink.Cred, Log: filepath.Join(dir, "uplink.log")}
		p.Argv[indexOf(p.Argv, "--state-dir")+1] = filepath.Join(dir, "uplink")
		p.Argv[indexOf(p.Argv, "--spool")+1] = filepath.Join(dir, "spool")
		return p
	}
	// Another machine: the copy notices.
	elsewhere := stage.Launch(t, copyOf("815"))
	var waiting []host
	stage.Await(t, "the copy's request", 60*time.Second, func() bool {
		elsewhere.Alive(t)
		_, waiting = s.hosts(t)
		return len(waiting) == 1
	})
	members, _ := s.hosts(t)
	if len(members) != 1 || waiting[0].CloneOf != members[0].ID {
		t.Errorf("members %+v, waiting %+v", members, waiting)
	}
	s.write(t, l, 1, 50)
	s.arrived(t)
	elsewhere.Kill()
	// The same machine: only the number of its session tells.
	twin := stage.Launch(t, copyOf("4711"))
	s.uplink.Kill()
	s.uplink.Start(t)
	stage.Await(t, "the quarantine", 60*time.Second, func() bool {
		members, _ = s.hosts(t)
		if len(members) == 1 && members[0].Standing == "active" {
			// Each comes again, so that the one that is behind shows.
			s.relay.set(s.relay.cut)
		}
		return len(members) == 1 && members[0].Standing == "quarantined"
	})
	stage.Await(t, "both being told", 60*time.Second, func() bool {
		return s.uplink.Says("quarantined") && twin.Says("quarantined")
	})
	return fmt.Sprintf("the copy waits as a clone of %s; the twin: %s; both are told", members[0].ID[:8], members[0].Reason)
}

func enrolments(t *testing.T) string {
	s := newCollector(t, ground{})
	stage.Launch(t, s.collector)
	s.listening(t)
	// The answer is lost, and with it the connection.
	s.relay.set(func() { s.relay.stall[down] = true })
	s.invite(t, s.home)
	stage.Launch(t, s.uplink)
	pause := time.NewTicker(200 * time.Millisecond)
	defer pause.Stop()
	for n := range 12 {
		<-pause.C
		s.relay.set(func() {
			s.relay.stall[down] = false
			s.relay.budget = int64(3000 + 400*n) // more and more of it comes through
		})
	}
	s.relay.good()
	stage.Await(t, "the enrolment", 60*time.Second, func() bool { return s.uplink.Says("connected") })
	members, _ := s.hosts(t)
	if len(members) != 1 {
		t.Errorf("%d members after lost answers: %+v", len(members), members)
	}
	// Twelve with one token.
	token := s.token(t)
	dir := folder(t)
	var group sync.WaitGroup
	codes := make([]int, 12)
	outs := make([]string, len(codes))
	for n := range codes {
		home := filepath.Join(dir, fmt.Sprint(n))
		if err := os.Mkdir(home, 0o700); err != nil {
			t.Fatal(err)
		}
		thisMachine(t, home, fmt.Sprint(n))
		if err := os.WriteFile(filepath.Join(home, "token"), []byte(token), 0o600); err != nil {
			t.Fatal(err)
		}
		argv := []string{"timeout", "60", stage.Built(t, "seawall-uplink"), "enroll", "--state-dir", home, "--spool", home, "--collector", s.relay.address(),
			"--token-file", filepath.Join(home, "token")}
		group.Go(func() { outs[n], codes[n] = run(t, argv...) })
	}
	group.Wait()
	won, refused := 0, 0
	for n, code := range codes {
		switch {
		case code == 0:
			won++
		case strings.Contains(outs[n], "used"):
			refused++
		default:
			t.Errorf("one of twelve: %d %s", code, outs[n])
		}
	}
	members, _ = s.hosts(t)
	if won != 1 || len(members) != 2 {
		t.Errorf("%d of 12 enrolled, %d members", won, len(members))
	}
	return fmt.Sprintf("answer lost 12 times: one host; 12 at once: %d enrolled, %d refused; %d members", won, refused, len(members))
}
