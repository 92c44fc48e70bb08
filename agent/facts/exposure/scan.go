package exposure

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"seawall/agent/facts/ask"
	"seawall/agent/facts/exposure/holder"
	"seawall/agent/facts/fact"
	"seawall/pkg/hostfs"
	"seawall/pkg/text"
)

// SocketPath is where systemd listens for those who may ask for a look.
const SocketPath = "/run/seawall-network.sock"

// fresh is how long one look is good for both groups of facts.
const fresh = 2 * time.Second

const (
	maxSettings = 500
	maxValue    = 512
)

// Scan looks at the network namespace of this process on the running system, and for who
// holds its sockets.
func Scan(ctx context.Context, root hostfs.Root) (Look, error) {
	look, err := scan(root)
	if err == nil {
		look.own(holder.Find(ctx, look.Inodes))
	}
	return look, err
}

// scan looks, and leaves open who holds the sockets.
func scan(root hostfs.Root) (Look, error) {
	l, err := readLinks()
	if err != nil {
		return Look{}, err
	}
	list, err := readSockets()
	if err != nil {
		return Look{}, fmt.Errorf("list sockets: %w", err)
	}
	look := Look{Sockets: []Socket{}, Inodes: []uint64{}, Interfaces: l.all, Others: l.more}
	if len(list) > maxSockets {
		look.More, list = len(list)-maxSockets, list[:maxSockets]
	}
	users(list)
	f := readFilter(&l, root)
	f.policies()
	f.openings(list)
	for i := range list {
		list[i].Reachable = f.reachable(&list[i])
		look.Sockets, look.Inodes = append(look.Sockets, list[i].Socket), append(look.Inodes, list[i].inode)
	}
	look.Filter = f.Filter
	return look, nil
}

// Serve looks and writes the answer to one who asked at the socket, with the running
// values of those settings in keys that are the network namespace's. Who holds the sockets
// is for another to say.
func Serve(ctx context.Context, w io.Writer, root hostfs.Root, keys []string) error {
	return ask.Serve(ctx, w, func(context.Context) (Look, error) {
		look, err := scan(root)
		look.Sysctl = settings(keys)
		return look, err
	})
}

// settings reads those of keys that each network namespace has its own of.
func settings(keys []string) map[string]string {
	values := map[string]string{}
	for _, key := range keys {
		if !strings.HasPrefix(key, "net.") || strings.Contains(key, "/") || len(values) == maxSettings {
			continue
		}
		data, err := hostfs.Root{}.ReadFile("/proc/sys/"+strings.ReplaceAll(key, ".", "/"), maxValue)
		if err == nil {
			values[key] = text.Clean(strings.TrimRight(string(data), "\n"), maxValue)
		}
	}
	return values
}

// Sysctl returns the running values of settings of the network for a process that is
// in another namespace, and must ask. One that may look has them in its own /proc.
func (r *Reader) Sysctl(ctx context.Context, env fact.Env) (map[string]string, error) {
	look, err := r.Look(ctx, env)
	return look.Sysctl, err
}

// Reader looks, itself or through the socket, once for all who ask at the same time.
type Reader struct {
	mu    sync.Mutex
	asker ask.Asker[Look]
	held  ask.Asker[holder.Holders]
	may   func() bool
	last  Look
	err   error
	at    time.Time // of last, by the monotonic clock
}

// NewReader returns a Reader that may ask at socket; nothing is asked yet.
func NewReader(socket string) *Reader {
	return &Reader{
		asker: ask.Asker[Look]{Socket: socket, Parse: parseReply},
		held:  ask.Asker[holder.Holders]{Socket: holder.Socket, Parse: holder.Parse},
		may:   func() bool { return ask.May(unix.CAP_NET_ADMIN, unix.CAP_SYS_PTRACE) },
	}
}

// errImage is why there is nothing to look at.
var errImage = errors.New("an image is not running")

// Look returns what is seen now.
func (r *Reader) Look(ctx context.Context, env fact.Env) (Look, error) {
	if !env.Live() {
		return Look{}, errImage
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.at.IsZero() && time.Since(r.at) < fresh {
		return r.last, r.err
	}
	if r.may() {
		r.last, r.err = Scan(ctx, env.Root)
	} else {
		r.last, r.err = r.ask(ctx, env.Now())
	}
	r.at = time.Now()
	return r.last, r.err
}

// ask has one look who sees the network, and another who sees the processes.
func (r *Reader) ask(ctx context.Context, now time.Time) (Look, error) {
	look, stale, err := r.asker.Ask(ctx, now)
	if err != nil {
		return look, err
	}
	look.Stale = stale
	held, late, err := r.held.Ask(ctx, now)
	if err != nil {
		late = text.Clean(err.Error(), text.Limit)
	}
	look.own(held.Found, cmp.Or(late, held.Limited))
	return look, nil
}

// parseReply reads an answer, and bounds what is in it as Scan does. What it does not
// know in it is left out: the other end can be newer.
func parseReply(data []byte) (Look, error) {
	var l Look
	if err := json.Unmarshal(data, &l); err != nil {
		return Look{}, fmt.Errorf("parse the answer: %w", err)
	}
	if len(l.Interfaces) == 0 {
		return Look{}, errors.New("parse the answer: nothing was looked at")
	}
	l.More, l.Others = max(0, l.More, len(l.Sockets)-maxSockets), l.Others || len(l.Interfaces) > maxInterfaces
	l.Sockets, l.Interfaces = first(l.Sockets, maxSockets), first(l.Interfaces, maxInterfaces)
	l.Inodes = append(first(l.Inodes, len(l.Sockets)), make([]uint64, max(0, len(l.Sockets)-len(l.Inodes)))...)
	l.Limited, l.Stale = text.Clean(l.Limited, text.Limit), ""
	for i := range l.Sockets {
		s := &l.Sockets[i]
		clean(&s.Protocol, &s.Address, &s.Scope, &s.User, &s.Comm, &s.Exe, &s.Unit)
		s.Reachable.clean()
	}
	for i := range l.Interfaces {
		one := &l.Interfaces[i]
		l.Others = l.Others || len(one.Addresses) > maxAddresses
		one.Addresses = first(one.Addresses, maxAddresses)
		clean(&one.Name, &one.Kind)
		for j := range one.Addresses {
			clean(&one.Addresses[j])
		}
	}
	values := map[string]string{}
	for k, v := range l.Sysctl {
		if len(values) < maxSettings && len(k) <= maxWord {
			values[k] = text.Clean(v, maxValue)
		}
	}
	l.Sysctl = values
	l.Filter.bound()
	return l, nil
}

// bound cuts what is in a filter that somebody else read.
func (f *Filter) bound() {
	f.OpenMore = f.OpenMore || len(f.Open) > maxOpen
	f.Tables, f.Legacy, f.Open = first(f.Tables, maxTables), first(f.Legacy, maxTables), first(f.Open, maxOpen)
	f.Reason = text.Clean(f.Reason, maxBy)
	for i := range f.Tables {
		clean(&f.Tables[i].Family, &f.Tables[i].Name)
	}
	for i := range f.Legacy {
		clean(&f.Legacy[i])
	}
	for i := range f.Open {
		clean(&f.Open[i].Protocol)
	}
	for _, p := range []*Policy{&f.IPv4, &f.IPv6} {
		for _, o := range []*Outcome{&p.Input, &p.Forward, &p.Output, &p.Loopback, &p.Spoofed, &p.Established} {
			o.clean()
		}
	}
}

// clean bounds an outcome; a verdict that is none of ours is not known.
func (o *Outcome) clean() {
	o.By = text.Clean(o.By, maxBy)
	if o.Verdict != Accept && o.Verdict != Drop {
		o.Verdict = Unknown
	}
}

// first returns at most n of list, which is never nil.
func first[E any](list []E, n int) []E {
	if list == nil {
		return []E{}
	}
	return list[:min(len(list), n)]
}

func clean(words ...*string) {
	for _, w := range words {
		*w = text.Clean(*w, maxWord)
	}
}

// Blind is a filter of which nothing is known.
func Blind(reason string) Filter {
	nothing := Outcome{Unknown, reason}
	policy := Policy{Input: nothing, Forward: nothing, Output: nothing, Loopback: nothing, Spoofed: nothing, Established: nothing}
	return Filter{Reason: reason, IPv4: policy, IPv6: policy, Tables: []Table{}, Legacy: []string{}, Open: []Open{}}
}
