// Command ran leaves a file in /ran that is called as it was, and says so: whoever
// runs it by whatever name is found out.
package main

import (
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	name := filepath.Base(os.Args[0])
	fmt.Println(name, "ran")
	if err := os.WriteFile(filepath.Join("/ran", name), nil, 0o600); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
