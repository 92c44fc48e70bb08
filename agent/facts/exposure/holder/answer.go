package holder

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"

	"seawall/pkg/hostfs"
	"seawall/pkg/text"
)

// Socket is where systemd listens for those who may ask who holds the host's sockets.
const Socket = "/run/seawall-holders.sock"

const (
	maxWaiting = 2000     // sockets that an answer names
	maxTable   = 16 << 20 // bytes of one table of sockets
)

// Answer is what is written to one who asked.
type Answer struct {
	Held    []held `json:"held"`
	Limited string `json:"limited"`
}

type held struct {
	Inode uint64 `json:"inode"`
	Process
}

// Holders are the processes that hold sockets, by the sockets' inodes.
type Holders struct {
	Found   map[uint64]Process
	Limited string // what could not be looked at
}

// Look looks for who holds the sockets that wait for others on the host.
func Look(ctx context.Context) (Answer, error) {
	inodes, err := waiting("/proc/1/net/")
	if err != nil {
		return Answer{}, fmt.Errorf("list sockets: %w", err)
	}
	found, limited := Find(ctx, inodes)
	a := Answer{Held: []held{}, Limited: limited}
	for _, n := range inodes {
		if p, ok := found[n]; ok {
			a.Held = append(a.Held, held{n, p})
		}
	}
	return a, nil
}

// waiting lists the inodes of listening TCP and unconnected UDP sockets in the tables of a
// network namespace. Without IPv6 there are none for it.
func waiting(dir string) (inodes []uint64, err error) {
	for _, table := range []string{"tcp", "udp", "tcp6", "udp6"} {
		f, _, err := hostfs.Root{}.OpenFile(dir + table)
		if err != nil && strings.HasSuffix(table, "6") {
			continue
		}
		if err != nil {
			return nil, err
		}
		inodes = list(io.LimitReader(f, maxTable), inodes)
		f.Close()
	}
	return inodes, nil
}

// list adds the inodes of a table. Of TCP those that listen come first: the rest can be
// many.
func list(table io.Reader, inodes []uint64) []uint64 {
	const listening, unconnected = "0A", "07"
	scan := bufio.NewScanner(table)
	for scan.Scan() && len(inodes) < maxWaiting {
		f := strings.Fields(scan.Text())
		if len(f) < 10 || f[0] == "sl" {
			continue
		}
		if f[3] != listening && f[3] != unconnected {
			break
		}
		if n, err := strconv.ParseUint(f[9], 10, 64); err == nil && n != 0 {
			inodes = append(inodes, n)
		}
	}
	return inodes
}

// Parse reads an answer, and bounds what is in it. What it does not know in it is left out:
// the other end can be newer.
func Parse(data []byte) (Holders, error) {
	var a Answer
	if err := json.Unmarshal(data, &a); err != nil {
		return Holders{}, fmt.Errorf("parse the answer: %w", err)
	}
	h := Holders{Found: map[uint64]Process{}, Limited: text.Clean(a.Limited, text.Limit)}
	for _, one := range a.Held[:min(len(a.Held), maxWaiting)] {
		p := one.Process
		p.Comm, p.Exe, p.Unit = text.Clean(p.Comm, maxWord), text.Clean(p.Exe, maxWord), text.Clean(p.Unit, maxWord)
		h.Found[one.Inode] = p
	}
	return h, nil
}
