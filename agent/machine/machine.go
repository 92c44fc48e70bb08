// Package machine names the machine that the agent runs on, so that a copy of a
// disk notices that it woke up elsewhere.
//
// A Droplet is named by its id, which its firmware holds (DMI serial) and
// cloud-init wrote down; any other machine by its machine-id(5) and the firmware's
// product UUID, as keyed hashes from which neither can be had back. All of it is a
// label: whoever has root can say anything here.
//
// The firmware's names may be read by the sensor alone, the network is the
// uplink's alone. So the sensor leaves what it read beside its spool ([Write]), and
// the uplink adds it to what it can read by itself ([Known]). The file counts
// during the boot that it was written in: a copied disk holds the file of the
// original.
package machine

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"strings"

	"seawall/pkg/hostfs"
	"seawall/pkg/text"
)

// maxName bounds each name.
const maxName = 255

// Machine is what is known of a machine. What is not known is empty.
type Machine struct {
	HostName    string `json:"host_name,omitempty"`
	DropletID   string `json:"droplet_id,omitempty"`
	MachineID   string `json:"machine_id,omitempty"`   // a keyed hash
	ProductUUID string `json:"product_uuid,omitempty"` // a keyed hash
}

// Read reads what this process may read.
func Read(root hostfs.Root) Machine {
	name, err := os.Hostname()
	if err != nil {
		name = ""
	}
	m := Machine{
		HostName:    text.Clean(name, maxName),
		MachineID:   hashed(root, "/etc/machine-id", "seawall machine id v1"),
		ProductUUID: hashed(root, "/sys/class/dmi/id/product_uuid", "seawall product uuid v1"),
	}
	if Droplet(root) {
		m.DropletID = dropletID(root)
	}
	return m
}

// Droplet reports whether the firmware says that this is a Droplet.
func Droplet(root hostfs.Root) bool {
	vendor, err := root.ReadFile("/sys/class/dmi/id/sys_vendor", 256)
	return err == nil && strings.TrimSpace(string(vendor)) == "DigitalOcean"
}

// hashed returns a name from which what the file holds cannot be had back: a
// machine id is a secret to other hosts (machine-id(5)).
func hashed(root hostfs.Root, file, use string) string {
	b, err := root.ReadFile(file, 256)
	id := strings.ToLower(strings.TrimSpace(string(b)))
	if err != nil || id == "uninitialized" || strings.Trim(id, "0-") == "" {
		return ""
	}
	mac := hmac.New(sha256.New, []byte(id))
	mac.Write([]byte(use))
	return hex.EncodeToString(mac.Sum(nil)[:16])
}

func dropletID(root hostfs.Root) string {
	// Readable by root and CAP_DAC_READ_SEARCH alone.
	if b, err := root.ReadFile("/sys/class/dmi/id/product_serial", 256); err == nil {
		return digits(strings.TrimSpace(string(b)))
	}
	b, err := root.ReadFile("/run/cloud-init/instance-data.json", hostfs.DefaultLimit)
	if err != nil {
		return ""
	}
	var data struct {
		DS struct {
			MetaData struct {
				DropletID json.Number `json:"droplet_id"`
			} `json:"meta_data"`
		} `json:"ds"`
	}
	if err := json.Unmarshal(b, &data); err != nil {
		return "" // half written at boot
	}
	return digits(data.DS.MetaData.DropletID.String())
}

// digits returns s if it is a number, as a Droplet's id is.
func digits(s string) string {
	if len(s) > 20 || strings.Trim(s, "0123456789") != "" {
		return ""
	}
	return s
}

// Differs reports whether the two are certainly different machines. Of Droplets the
// id alone decides; of others a different machine id or product UUID is enough.
// What is not known of one of them decides nothing, and host names never do.
func (m Machine) Differs(other Machine) bool {
	differ := func(a, b string) bool { return a != "" && b != "" && a != b }
	if m.DropletID != "" && other.DropletID != "" {
		return m.DropletID != other.DropletID
	}
	return differ(m.MachineID, other.MachineID) || differ(m.ProductUUID, other.ProductUUID)
}

// Add returns m with what only other knows.
func (m Machine) Add(other Machine) Machine {
	add := func(field *string, v string) {
		if *field == "" {
			*field = v
		}
	}
	add(&m.HostName, other.HostName)
	add(&m.DropletID, other.DropletID)
	add(&m.MachineID, other.MachineID)
	add(&m.ProductUUID, other.ProductUUID)
	return m
}

// Covers reports whether m knows all that other knows, host names apart.
func (m Machine) Covers(other Machine) bool {
	has := func(mine, theirs string) bool { return mine != "" || theirs == "" }
	return has(m.DropletID, other.DropletID) && has(m.MachineID, other.MachineID) && has(m.ProductUUID, other.ProductUUID)
}
