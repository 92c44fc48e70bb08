package rpmdb

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// BenchmarkRead reads 1,000 packages with headers of 50 KB, as the real rpm keeps
// them, and as db5.3_load does.
func BenchmarkRead(b *testing.B) {
	var headers [][]byte
	for _, p := range made(1000) {
		headers = append(headers, headerOf(p, 580))
	}
	sqlite, sqliteFolder := host(b)
	importDB(b, sqliteFolder, headers...)
	hash, hashFolder := host(b)
	importHash(b, hashFolder, "1234", 4096, headers...)
	for format, root := range map[string]string{"sqlite": filepath.Join(sqliteFolder, sqliteName), "bdb": filepath.Join(hashFolder, bdbName)} {
		fi, err := os.Stat(root)
		if err != nil {
			b.Fatal(err)
		}
		of := sqlite
		if format == "bdb" {
			of = hash
		}
		b.Run(fmt.Sprintf("%s-%dMB", format, fi.Size()>>20), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				packages, _, _, err := Read(of)
				if err != nil || len(packages) != len(headers) {
					b.Fatalf("%d packages, %v", len(packages), err)
				}
			}
		})
	}
}
