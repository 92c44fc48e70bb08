package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

const (
	records   = 60
	smallFile = 16 << 10
	manyFlips = 4000 // bytes of a larger file that are changed
)

// payload is record i, from 1, of about 100 bytes.
func payload(i uint64) []byte {
	r := rand.New(rand.NewPCG(i, 7))
	b := fmt.Appendf(nil, "record %04d ", i)
	for range 80 + r.IntN(20) {
		b = append(b, byte('a'+r.IntN(26)))
	}
	return b
}

// damage is one way to damage a log.
type damage struct {
	file string // below the log's folder
	off  int64
	mask byte  // to change the byte at off by
	cut  int64 // bytes to take from the content's end at off
	zero bool  // to zero them instead
}

// damageCase names damages of a log.
type damageCase struct {
	name string
	list func(files map[string][]byte, step int) []damage
}

func cases() []damageCase {
	return []damageCase{
		{"flips", flips},
		{"torn tail", func(files map[string][]byte, _ int) []damage { return tails(files, false) }},
		{"zeroed tail", func(files map[string][]byte, _ int) []damage { return tails(files, true) }},
	}
}

func names(files map[string][]byte) []string {
	var list []string
	for name := range files {
		list = append(list, name)
	}
	slices.Sort(list)
	return list
}

func flips(files map[string][]byte, step int) (list []damage) {
	total := 0
	for _, b := range files {
		total += len(b)
	}
	if total > smallFile {
		step = max(step, total/manyFlips)
	}
	i := 0
	for _, name := range names(files) {
		for off := range files[name] {
			if i++; i%step != 0 {
				continue
			}
			for _, mask := range []byte{0x01, 0x80, 0xff} {
				list = append(list, damage{file: name, off: int64(off), mask: mask})
			}
		}
	}
	return list
}

// tails damages the end of the last file with records in it.
func tails(files map[string][]byte, zero bool) (list []damage) {
	last, end := "", 0
	for _, name := range names(files) {
		if i := bytes.LastIndex(files[name], []byte("record ")); i >= 0 {
			last, end = name, len(bytes.TrimRight(files[name], "\x00"))
		}
	}
	for _, n := range []int64{1, 3, 10, 50} {
		list = append(list, damage{file: last, off: int64(end), cut: n, zero: zero})
	}
	return list
}

// readFiles reads a folder.
func readFiles(dir string) (map[string][]byte, error) {
	files := map[string][]byte{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		files[strings.TrimPrefix(path, dir+"/")] = b
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read log: %w", err)
	}
	return files, nil
}

// lay puts a damaged copy of a log into dir.
func (d damage) lay(dir string, files map[string][]byte) error {
	for name, b := range files {
		if name == d.file {
			b = d.apply(slices.Clone(b))
		}
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			return fmt.Errorf("lay log: %w", err)
		}
		if err := os.WriteFile(path, b, 0o640); err != nil {
			return fmt.Errorf("lay log: %w", err)
		}
	}
	return nil
}

func (d damage) apply(b []byte) []byte {
	switch {
	case d.zero:
		clear(b[max(0, d.off-d.cut):d.off])
	case d.cut > 0:
		b = b[:max(0, d.off-d.cut)]
	default:
		b[d.off] ^= d.mask
	}
	return b
}

// outcome is what a library made of one damage.
type outcome struct {
	Wrong   int  // records never written, or given twice
	Lost    int  // records not given
	Refused bool // the log could not be read
	Panic   bool
	Located bool // what is lost is what it said is gone
}

// judge compares what was found with what was written.
func judge(c contents, err error) (o outcome) {
	written := map[string]uint64{}
	for i := range uint64(records) {
		written[string(payload(i+1))] = i + 1
	}
	var lost []uint64
	for _, r := range c.records {
		if _, ok := written[r]; !ok {
			o.Wrong++
		}
		delete(written, r)
	}
	for _, i := range written {
		lost = append(lost, i)
	}
	slices.Sort(lost)
	o.Lost = len(lost)
	o.Refused = err != nil
	o.Located = err == nil && c.tells && slices.Equal(lost, c.gone)
	return o
}
