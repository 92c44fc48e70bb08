#!/usr/bin/env python3
"""Writes what a Droplet is told about itself: metadata.json for the metadata
service.

usage: mkmeta.py DIR --id N --hostname H --region R --key FILE
                 [--user-data FILE] [--vendor-data FILE] [--tag T]...
       mkmeta.py --macs N     print the two MAC addresses of Droplet N
"""
import argparse
import json
import os
import sys

DNS = ["127.0.0.1"]  # nothing resolves in the VM: answer "refused" at once


def macs(n):
    mid = ":".join(f"{(n >> s) & 255:02x}" for s in (16, 8, 0))
    return f"02:d0:{mid}:01", f"02:d0:{mid}:02"


def text(path):
    if not path:
        return ""
    with open(path, encoding="utf-8") as f:
        return f.read()


def tree(o):
    last = 10 + o.id % 200
    pub, priv = macs(o.id)
    return {
        "droplet_id": o.id,
        "hostname": o.hostname,
        "user_data": text(o.user_data),
        "vendor_data": text(o.vendor_data),
        "public_keys": [text(o.key).strip()],
        "region": o.region,
        "interfaces": {
            "private": [{
                "ipv4": {"ip_address": "10.0.2.15", "netmask": "255.255.255.0", "gateway": "10.0.2.2"},
                "mac": priv, "type": "private"}],
            "public": [{
                "ipv4": {"ip_address": f"203.0.113.{last}", "netmask": "255.255.255.0",
                         "gateway": "203.0.113.1"},
                "anchor_ipv4": {"ip_address": f"10.17.0.{last}", "netmask": "255.255.0.0",
                                "gateway": "10.17.0.1"},
                "mac": pub, "type": "public"}],
        },
        "floating_ip": {"ipv4": {"active": False}},
        "reserved_ip": {"ipv4": {"active": False}},
        "dns": {"nameservers": DNS},
        "tags": o.tag,
        "features": {"dhcp_enabled": False},
    }


def main():
    if len(sys.argv) == 3 and sys.argv[1] == "--macs":
        print(*macs(int(sys.argv[2])))
        return
    p = argparse.ArgumentParser(add_help=False)
    p.add_argument("dir")
    p.add_argument("--id", type=int, required=True)
    p.add_argument("--hostname", required=True)
    p.add_argument("--region", required=True)
    p.add_argument("--key", required=True)
    p.add_argument("--user-data")
    p.add_argument("--vendor-data")
    p.add_argument("--tag", action="append", default=[])
    o = p.parse_args()
    md = tree(o)
    tmp = os.path.join(o.dir, "metadata.json.new")
    with open(tmp, "w", encoding="utf-8") as f:
        json.dump(md, f, indent=1)
    os.replace(tmp, os.path.join(o.dir, "metadata.json"))


if __name__ == "__main__":
    main()
