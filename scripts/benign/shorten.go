package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
)

// most of the events of one shape are left out.
const most = 3

func shortenFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return fmt.Errorf("shorten: %w", err)
	}
	defer in.Close()
	z, err := gzip.NewReader(in)
	if err != nil {
		return fmt.Errorf("shorten: %w", err)
	}
	file, err := os.Create(to)
	if err != nil {
		return fmt.Errorf("shorten: %w", err)
	}
	packed, err := gzip.NewWriterLevel(file, gzip.BestCompression)
	if err != nil {
		return fmt.Errorf("shorten: %w", err)
	}
	return errors.Join(shorten(packed, z), packed.Close(), file.Close())
}

// shorten copies the first events of each shape.
func shorten(w io.Writer, r io.Reader) error {
	in := bufio.NewScanner(r)
	in.Buffer(nil, 1<<20)
	counts := map[string]int{}
	var serial, event []byte
	end := func() error {
		if len(event) == 0 {
			return nil
		}
		s := shape(event)
		counts[s]++
		if counts[s] > most {
			return nil
		}
		_, err := w.Write(event)
		return err
	}
	for in.Scan() {
		line := in.Bytes()
		if bytes.HasPrefix(line, []byte("# ")) { // of a file's inode
			if _, err := fmt.Fprintf(w, "%s\n", line); err != nil {
				return fmt.Errorf("shorten: %w", err)
			}
			continue
		}
		head, _, _ := bytes.Cut(line, []byte("): "))
		_, s, _ := bytes.Cut(head, []byte(":"))
		if !bytes.Equal(s, serial) {
			if err := end(); err != nil {
				return fmt.Errorf("shorten: %w", err)
			}
			serial, event = append(serial[:0], s...), event[:0]
		}
		if bytes.HasPrefix(line, []byte("type=PROCTITLE ")) && bytes.Contains(event, []byte("type=EXECVE ")) {
			continue // the arguments again
		}
		event = append(append(event, line...), '\n')
	}
	return errors.Join(in.Err(), end())
}

// shape is what an event has in common with others like it: its records' types, who
// did it, the call and its result, its arguments but for digits, the directories and the
// endings of its files.
func shape(event []byte) string {
	var s []byte
	for line := range bytes.Lines(event) {
		typ, rest, _ := bytes.Cut(line, []byte(" "))
		s = append(s, typ...)
		switch string(typ) {
		case "type=SYSCALL":
			for _, name := range []string{"syscall=", "success=", "exe=", "comm=", "key=", "uid="} {
				s = append(append(s, ' '), value(rest, name)...)
			}
		case "type=EXECVE":
			_, args, _ := bytes.Cut(rest, []byte("argc="))
			s = append(s, plain(bytes.Clone(args[:min(len(args), 120)]))...)
		case "type=PATH":
			name := string(bytes.Trim(value(rest, "name="), `"`))
			s = append(s, path.Dir(name)+path.Ext(name)+string(value(rest, "nametype="))...)
			s = plain(s)
		case "type=SOCKADDR":
			s = append(s, value(rest, "saddr=")[:min(8, len(value(rest, "saddr=")))]...)
		case "type=CWD", "type=EOE", "type=PROCTITLE", "type=BPRM_FCAPS":
		default:
			for _, name := range []string{"msg='op=", "acct=", "unit=", "exe=", "res=", "op="} {
				s = append(append(s, ' '), value(rest, name)...)
			}
		}
	}
	return string(s)
}

// plain makes digits one sign, in place.
func plain(b []byte) []byte {
	out := b[:0]
	for _, c := range b {
		if c >= '0' && c <= '9' {
			c = '#'
		}
		if c == '#' && len(out) > 0 && out[len(out)-1] == '#' {
			continue
		}
		out = append(out, c)
	}
	return out
}
