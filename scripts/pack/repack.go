package main

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// levels are those that xz knows: "-0" to "-9", with an "e" the extreme ones.
var levels = regexp.MustCompile(`^-[0-9]e?$`)

func repack(dir, level, name string) error {
	if !levels.MatchString(level) {
		return fmt.Errorf("level %q: want -0 to -9, or -9e", level)
	}
	data, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	change := repackDeb
	if strings.HasSuffix(name, ".rpm") {
		change = repackRPM
	}
	data, err = change(data, level, xz)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return os.WriteFile(filepath.Join(dir, filepath.Base(name)), data, 0o644)
}

// compressor is xz, or what a test has in its place.
type compressor func(data []byte, level string) ([]byte, error)

// xz compresses with one thread: the number of threads would show in the bytes.
func xz(data []byte, level string) ([]byte, error) {
	cmd := exec.Command("xz", "-T1", level, "-c")
	cmd.Stdin = bytes.NewReader(data)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("xz: %w", err)
	}
	return out, nil
}

const arHeader = 60 // name 16, time 12, owner 6, group 6, mode 8, size 10, end 2

// repackDeb compresses the last member of the archive, data.tar.
func repackDeb(data []byte, level string, compress compressor) ([]byte, error) {
	magic := "!<arch>\n"
	if !bytes.HasPrefix(data, []byte(magic)) {
		return nil, errors.New("not a deb")
	}
	for at := len(magic); at+arHeader <= len(data); {
		head, body := string(data[at:at+arHeader]), data[at+arHeader:]
		var size int
		if _, err := fmt.Sscanf(head[48:58], "%d", &size); err != nil || size < 0 || size > len(body) {
			return nil, fmt.Errorf("size %q of a member", head[48:58])
		}
		if strings.TrimRight(head[:16], " /") != "data.tar" {
			at += arHeader + size + size%2
			continue
		}
		packed, err := compress(body[:size], level)
		if err != nil {
			return nil, err
		}
		out := fmt.Appendf(bytes.Clone(data[:at]), "%-16s%s%-10d`\n", "data.tar.xz", head[16:48], len(packed))
		out = append(out, packed...)
		if len(packed)%2 == 1 {
			out = append(out, '\n')
		}
		return out, nil
	}
	return nil, errors.New("no plain data.tar in it")
}

// Tags of rpm's headers: https://rpm-software-management.github.io/rpm/manual/tags.html
const (
	tagPayloadCompressor = 1125
	tagPayloadFlags      = 1126
	tagPayloadDigest     = 5092
	sigSHA256            = 273
	sigSize              = 1000
	sigPayloadSize       = 1007 // uncompressed
	leadSize             = 96

	maxPayload = 1 << 30
)

// header is one of an rpm's two headers, as it lies in the file.
type header struct {
	all  []byte
	data int // where in all the values start
}

func parseHeader(b []byte) (header, error) {
	if len(b) < 16 || !bytes.HasPrefix(b, []byte{0x8e, 0xad, 0xe8, 1}) {
		return header{}, errors.New("no header where one has to be")
	}
	count, size := int(binary.BigEndian.Uint32(b[8:])), int(binary.BigEndian.Uint32(b[12:]))
	if count > 1<<16 || size > len(b) || 16+16*count+size > len(b) {
		return header{}, errors.New("a header that is longer than the file")
	}
	return header{b[:16+16*count+size], 16 + 16*count}, nil
}

// index returns where in a header the entry of a tag is, and where its value.
func (h header) index(tag uint32) (entry, value int, err error) {
	for i := 16; i < h.data; i += 16 {
		if binary.BigEndian.Uint32(h.all[i:]) == tag {
			return i, h.data + int(binary.BigEndian.Uint32(h.all[i+8:])), nil
		}
	}
	return 0, 0, fmt.Errorf("tag %d: is not there", tag)
}

// set writes a value over the one that is there, which is as long.
func (h header) set(tag uint32, value []byte) error {
	_, at, err := h.index(tag)
	if err != nil {
		return err
	}
	if at+len(value) > len(h.all) {
		return fmt.Errorf("tag %d: lies outside of its header", tag)
	}
	copy(h.all[at:], value)
	return nil
}

// setXZ says that the payload is xz's. rpm adds up the lengths of all values and refuses a header where
// they are not what it says: the two strings "gzip" and "9" make room for "xz" and what rpm's own
// packages say of a level and a single thread, "9T1".
func (h header) setXZ(level byte) error {
	_, at, err := h.index(tagPayloadCompressor)
	if err != nil {
		return err
	}
	const before = "gzip\x009\x00"
	entry, flags, err := h.index(tagPayloadFlags)
	if err != nil {
		return err
	}
	if flags != at+len("gzip\x00") || at+len(before) > len(h.all) || string(h.all[at:at+len(before)]) != before {
		return errors.New("the compressor is not the one that was asked for")
	}
	copy(h.all[at:], "xz\x00"+string(level)+"T1\x00")
	binary.BigEndian.PutUint32(h.all[entry+8:], uint32(at+len("xz\x00")-h.data))
	return nil
}

// repackRPM compresses the payload, which is gzip, and sets what the headers say of it.
func repackRPM(data []byte, level string, compress compressor) ([]byte, error) {
	data = bytes.Clone(data)
	if len(data) < leadSize {
		return nil, errors.New("not an rpm")
	}
	signature, err := parseHeader(data[leadSize:])
	if err != nil {
		return nil, err
	}
	start := (leadSize + len(signature.all) + 7) &^ 7
	if start > len(data) {
		return nil, io.ErrUnexpectedEOF
	}
	main, err := parseHeader(data[start:])
	if err != nil {
		return nil, err
	}
	plain, err := gzip.NewReader(bytes.NewReader(data[start+len(main.all):]))
	if err != nil {
		return nil, fmt.Errorf("payload: %w", err)
	}
	payload, err := io.ReadAll(io.LimitReader(plain, maxPayload))
	if err == nil {
		payload, err = relative(payload)
	}
	if err != nil {
		return nil, fmt.Errorf("payload: %w", err)
	}
	packed, err := compress(payload, level)
	if err != nil {
		return nil, err
	}
	digest := sha256.Sum256(packed)
	err = errors.Join(
		main.setXZ(level[1]),
		main.set(tagPayloadDigest, []byte(hex.EncodeToString(digest[:]))),
	)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(main.all)
	size := binary.BigEndian.AppendUint32(nil, uint32(len(main.all)+len(packed)))
	err = errors.Join(
		signature.set(sigSHA256, []byte(hex.EncodeToString(sum[:]))),
		signature.set(sigSize, size),
		signature.set(sigPayloadSize, binary.BigEndian.AppendUint32(nil, uint32(len(payload)))),
	)
	if err != nil {
		return nil, err
	}
	return append(data[:start+len(main.all):start+len(main.all)], packed...), nil
}

const (
	cpioHeader  = 110 // magic, then 13 numbers of 8 hexadecimal digits
	cpioTrailer = "TRAILER!!!"
)

// relative gives the files of a cpio archive names that start with "./", as rpm's own packages have
// them. Those of nfpm start with "/": who unpacks such a package as anybody would, with rpm2cpio and
// cpio, writes over the system's files.
func relative(archive []byte) ([]byte, error) {
	out := make([]byte, 0, len(archive)+1<<12)
	for {
		if len(archive) < cpioHeader || string(archive[:6]) != "070701" {
			return nil, errors.New("not a cpio archive of the newer kind")
		}
		size, err := strconv.ParseUint(string(archive[54:62]), 16, 32)
		if err != nil {
			return nil, fmt.Errorf("size of a file: %w", err)
		}
		length, err := strconv.ParseUint(string(archive[94:102]), 16, 16)
		if err != nil {
			return nil, fmt.Errorf("length of a name: %w", err)
		}
		body := cpioHeader + align(int(length))
		end := body + (int(size)+3)&^3
		if length == 0 || end > len(archive) {
			return nil, io.ErrUnexpectedEOF
		}
		name := string(archive[cpioHeader : cpioHeader+int(length)-1])
		if name == cpioTrailer {
			return append(out, archive...), nil
		}
		if strings.HasPrefix(name, "/") {
			name = "." + name
		}
		out = append(out, archive[:94]...)
		out = fmt.Appendf(out, "%08X%s%s\x00", len(name)+1, archive[102:cpioHeader], name)
		out = append(out, make([]byte, align(len(name)+1)-len(name)-1)...)
		out = append(out, archive[body:end]...)
		archive = archive[end:]
	}
}

// align returns how much room a name takes after a header, with the zeros that end at a multiple of four.
func align(length int) int { return (cpioHeader+length+3)&^3 - cpioHeader }
