// Package pending keeps the sensor's record of since when security updates are
// pending, so that "for 12 days" outlives restarts of the sensor and of the host.
//
// A package keeps its time for as long as it stays pending, over readings that
// failed or knew nothing, and over newer fixes. The record is a file that the
// sensor alone writes; package patch has its form and reads it.
package pending

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"seawall/agent/facts/patch"
	"seawall/pkg/hostfs"
)

// Book is the record. It is not for concurrent use.
type Book struct {
	file    string
	log     *slog.Logger
	ledger  patch.Ledger
	unsaved bool
	failing bool // that it cannot be saved has been said
}

// Open reads the record. One that is damaged is said and begun anew.
func Open(file string, log *slog.Logger) *Book {
	b := &Book{file: file, log: log}
	var err error
	if b.ledger, err = patch.LoadLedger(hostfs.Root{}, file); err != nil {
		log.Warn("since when updates are pending is not known", "err", err)
	}
	return b
}

// Note takes over what a reading says is pending, and writes the record where that
// changed it. What cannot be written is tried again with the next reading.
func (b *Book) Note(f patch.Facts, now time.Time) {
	if b.ledger.Merge(f, now) {
		b.unsaved = true
	}
	if !b.unsaved {
		return
	}
	if err := b.save(); err != nil {
		if !b.failing {
			b.log.Warn("since when updates are pending is not recorded, trying again", "err", err)
		}
		b.failing = true
		return
	}
	b.unsaved, b.failing = false, false
}

func (b *Book) save() error {
	if err := os.MkdirAll(filepath.Dir(b.file), 0o750); err != nil {
		return fmt.Errorf("make the record's folder: %w", err)
	}
	return b.ledger.Save(b.file)
}
