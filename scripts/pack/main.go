package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"time"
)

var errUsage = errors.New("usage: pack changelog|sbom|licenses|script|repack|settings|manual ARGUMENTS (see the package documentation)")

func main() {
	if err := run(os.Args[1:], os.Getenv("SOURCE_DATE_EPOCH"), os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "pack:", err)
		os.Exit(1)
	}
}

func run(args []string, epoch string, in io.Reader, out io.Writer) error {
	if len(args) == 0 {
		return errUsage
	}
	name, args := args[0], args[1:]
	switch {
	case name == "script" && len(args) == 3:
		return script(out, args[0], args[1], args[2])
	case name == "licenses" && len(args) >= 3:
		return licenses(out, args[0], args[1], args[2:])
	case name == "repack" && len(args) == 3:
		return repack(args[0], args[1], args[2])
	case name == "settings" && len(args) == 4, name == "manual" && len(args) == 2:
		return page(name, args, in, out)
	case name == "changelog" && len(args) == 4, name == "sbom" && len(args) >= 3:
		seconds, err := strconv.ParseInt(epoch, 10, 64)
		if err != nil {
			return fmt.Errorf("SOURCE_DATE_EPOCH: %w", err)
		}
		return dated(name, args, time.Unix(seconds, 0).UTC(), in, out)
	}
	return errUsage
}

// page writes a page of the manual.
func page(name string, args []string, in io.Reader, out io.Writer) error {
	text, err := io.ReadAll(in)
	if err != nil {
		return fmt.Errorf("read the text: %w", err)
	}
	if name == "manual" {
		return markdown(out, args[0], args[1], string(text))
	}
	prose, err := os.ReadFile(args[3])
	if err != nil {
		return err
	}
	return settings(out, args[0], args[1], args[2], string(prose), string(text))
}

// dated writes what has the time of the packages in it.
func dated(name string, args []string, when time.Time, in io.Reader, out io.Writer) error {
	if name == "sbom" {
		return sbom(out, args[0], args[1], when, args[2:])
	}
	text, err := io.ReadAll(in)
	if err != nil {
		return fmt.Errorf("read the changelog: %w", err)
	}
	entries, err := entries(string(text), args[2], when)
	if err != nil {
		return err
	}
	if args[0] == "rpm" {
		return rpmChangelog(out, entries, args[3])
	}
	return debChangelog(out, entries, args[1], args[3])
}
