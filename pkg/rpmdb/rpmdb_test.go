package rpmdb

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestRPM compares with what the real rpm says of databases that it made.
func TestRPM(t *testing.T) {
	root, folder := host(t)
	var headers [][]byte
	for i, p := range made(120) {
		headers = append(headers, headerOf(p, i*i/8)) // up to 200 KB
	}
	importDB(t, folder, headers...)
	for _, step := range []string{"imported", "rebuilt", "erased"} {
		switch step {
		case "rebuilt":
			run(t, nil, "rpmdb", "--dbpath", folder, "--rebuilddb")
		case "erased":
			run(t, nil, "rpm", "--dbpath", folder, "-e", "--justdb", "--nodeps", "package-7", "package-119")
		}
		want := strings.Split(strings.TrimSpace(run(t, nil, "rpm", "--dbpath", folder, "-qa", "--qf", format)), "\n")
		slices.Sort(want)
		packages, format, dir, err := ReadTimes(root)
		if err != nil || format != "sqlite" || dir != "/var/lib/rpm" {
			t.Fatalf("%s: %s, %s, %v", step, format, dir, err)
		}
		if diff := cmp.Diff(want, lines(packages)); diff != "" || len(want) < 100 {
			t.Errorf("%s: %d packages (-rpm +ours):\n%.2000s", step, len(want), diff)
		}
		// Without the times it is the same.
		for i := range packages {
			packages[i].InstallTime = time.Time{}
		}
		if plain, _, _, err := Read(root); err != nil || !slices.Equal(plain, packages) {
			t.Errorf("%s: without times of installation: %v (-with +without)\n%.2000s", step, err, cmp.Diff(packages, plain))
		}
	}
}

// TestHosts reads databases of hosts, compared with what rpm and db5.3_load's source
// said there.
func TestHosts(t *testing.T) {
	for _, tt := range []struct{ data, name, truth, format string }{
		{"alma9.sqlite.gz", sqliteName, "alma9.tsv", "sqlite"},
		{"stream9.sqlite.gz", sqliteName, "stream9.tsv", "sqlite"},
		{"rocky8.Packages.gz", bdbName, "alma9.tsv", "bdb"},
	} {
		root, folder := host(t)
		write(t, filepath.Join(folder, tt.name), unzip(t, tt.data))
		packages, format, _, err := ReadTimes(root)
		if err != nil || format != tt.format {
			t.Fatalf("%s: %s, %v", tt.data, format, err)
		}
		truth, err := os.ReadFile(filepath.Join("testdata", tt.truth))
		if err != nil {
			t.Fatal(err)
		}
		got := lines(packages)
		for i, p := range packages {
			if !strings.HasPrefix(p.SourceRPM, p.Name+"-") || p.Vendor != "AlmaLinux" || p.BuildTime.After(p.InstallTime) {
				t.Errorf("%+v", packages[i])
			}
		}
		for i := range got { // the truth has fewer columns
			got[i] = strings.Join(strings.Split(got[i], "\t")[:5], "\t")
		}
		if diff := cmp.Diff(strings.Split(strings.TrimSpace(string(truth)), "\n"), got); diff != "" {
			t.Errorf("%s (-rpm +ours):\n%s", tt.data, diff)
		}
	}
}

func TestHash(t *testing.T) {
	want := made(400)
	var headers [][]byte
	for i, p := range want {
		files := 0
		if i%3 == 0 {
			files = i
		}
		headers = append(headers, headerOf(p, files))
	}
	for _, order := range []string{"1234", "4321"} {
		for _, page := range []int{512, 4096, 65536} { // values in their pages and beside them
			root, folder := host(t)
			importHash(t, folder, order, page, headers...)
			packages, format, _, err := ReadTimes(root)
			if err != nil || format != "bdb" {
				t.Errorf("byte order %s, pages of %d bytes: %s, %v", order, page, format, err)
			}
			if diff := cmp.Diff(lines(want), lines(packages)); diff != "" {
				t.Errorf("byte order %s, pages of %d bytes (-want +got):\n%.2000s", order, page, diff)
			}
		}
	}
}

// TestChangedHash reads a hash that libdb 5.3 wrote as rpm 4.14 has it write (a
// private environment with DB_INIT_CDB, cursors): 150 packages were put, some put
// again with another header, and others deleted.
func TestChangedHash(t *testing.T) {
	packages, err := parseHash(unzip(t, "changed.Packages.gz"))
	want := strings.Split(strings.TrimSpace(string(unzip(t, "changed.tsv.gz"))), "\n")
	if diff := cmp.Diff(want, lines(packages)); err != nil || diff != "" || len(want) != 90 {
		t.Errorf("%v (-want +got):\n%.2000s", err, diff)
	}
}

// TestLog reads packages that stand only in the log, without those that the log
// removes, and leaves all as it was.
func TestLog(t *testing.T) {
	root, folder := host(t)
	db := filepath.Join(folder, sqliteName)
	all := made(24)
	var headers [][]byte
	for _, p := range all {
		headers = append(headers, headerOf(p, 20))
	}
	importDB(t, folder, headers[:20]...)
	old, _, _, err := ReadTimes(root)
	if err != nil {
		t.Fatal(err)
	}
	script := ".dbconfig no_ckpt_on_close on\n"
	for i, h := range headers[20:] {
		script += insertSQL(100+i, all[20+i].Name, h)
	}
	script += "BEGIN; DELETE FROM Packages WHERE hnum = 3; DELETE FROM Name WHERE hnum = 3; COMMIT;\n"
	run(t, []byte(script), "sqlite3", "-bail", db)
	type file struct {
		name string
		text []byte
		info state
	}
	look := func() (found []file) {
		for _, path := range []string{db, db + "-wal", db + "-shm"} {
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			fi, err := os.Stat(path)
			if err != nil {
				t.Fatal(err)
			}
			found = append(found, file{path, b, stateOf(fi)})
		}
		return found
	}
	before := look()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	packages, _, _, err := ReadTimes(root)
	want := slices.Delete(slices.Clone(all), 2, 3)
	if diff := cmp.Diff(lines(want), lines(packages)); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if len(old) != 20 || len(packages) != 23 {
		t.Errorf("%d packages, then %d", len(old), len(packages))
	}
	for i, f := range look() {
		if b := before[i]; !bytes.Equal(f.text, b.text) || !equal([]state{f.info}, []state{b.info}) {
			t.Errorf("%s was changed", f.name)
		}
	}
	if now, err := os.ReadDir(folder); err != nil || len(now) != len(entries) {
		t.Errorf("files now %v, before %v, %v", now, entries, err)
	}
}

func TestPlaces(t *testing.T) {
	root, folder := host(t)
	if _, _, _, err := Read(root); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no database: %v", err)
	}
	ndb := filepath.Join(folder, ndbName)
	write(t, ndb, []byte("RpmP"))
	if _, _, _, err := Read(root); !errors.Is(err, ErrNDB) || !strings.Contains(err.Error(), "/var/lib/rpm/Packages.db") {
		t.Errorf("ndb: %v", err)
	}
	db := filepath.Join(folder, sqliteName)
	run(t, nil, "rpmdb", "--dbpath", folder, "--define", "_db_backend sqlite", "--initdb")
	if err := os.Remove(ndb); err != nil {
		t.Fatal(err)
	}
	if _, _, _, err := Read(root); !errors.Is(err, ErrEmpty) {
		t.Errorf("no packages: %v", err)
	}
	hash := filepath.Join(folder, bdbName)
	write(t, hash, unzip(t, "rocky8.Packages.gz")) // a database without packages beside it does not count
	if _, format, _, err := Read(root); err != nil || format != "bdb" {
		t.Errorf("%s, %v", format, err)
	}
	write(t, db, []byte(strings.Repeat("no database ", 100)))
	if _, _, _, err := Read(root); !errors.Is(err, ErrDamaged) {
		t.Errorf("not a database: %v", err)
	}
	moved := root.Path("/usr/lib/sysimage/rpm")
	if err := os.MkdirAll(filepath.Dir(moved), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("../../../var/lib/rpm", moved); err != nil {
		t.Fatal(err)
	}
	write(t, db, unzip(t, "stream9.sqlite.gz"))
	if packages, format, dir, err := ReadTimes(root); err != nil || len(packages) != 3 || dir != "/usr/lib/sysimage/rpm" {
		t.Errorf("%d packages, %s, %s, %v", len(packages), format, dir, err)
	}
	files := Files(root)
	for _, name := range []string{"/var/lib/rpm", "/usr/lib/sysimage/rpm/rpmdb.sqlite-wal", "/var/lib/rpm/Packages"} {
		if !slices.Contains(files, name) {
			t.Errorf("%s is not in %q", name, files)
		}
	}
	if err := os.Mkdir(db+"-journal", 0o755); err != nil {
		t.Fatal(err)
	}
	if _, _, _, err := Read(root); err == nil {
		t.Error("a folder in place of the journal: no error")
	}
}

func TestEVR(t *testing.T) {
	for want, p := range map[string]Package{
		"1-2": {Version: "1", Release: "2", Epoch: -1}, "0:1-2": {Version: "1", Release: "2"}, "3:1-2": {Version: "1", Release: "2", Epoch: 3},
	} {
		if got := p.EVR(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
