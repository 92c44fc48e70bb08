// Package containers reads how container engines are set: Docker, Podman and
// containerd, the kubelet, LXD, from their files and, on the running system, from
// the command line of the running daemon. No engine is asked: its socket is as good
// as root, and the sensor has no right to it.
//
// # Docker
//
// A setting of dockerd stands in /etc/docker/daemon.json or in a flag of the
// command line (docker.service with its drop-ins; the running process). dockerd
// refuses to start when both set the same one, unless it is a list (hosts are
// refused too). [Setting] has the value in force and where it stands, of the one
// that runs and of the next start.
//
// Containers are read where dockerd keeps them, by package inspect.
//
// # The kubelet
//
// /var/lib/kubelet/config.yaml (kubeadm), and flags of kubelet.service, which win.
//
// An engine that is not installed is absent: its checks are not applicable.
package containers
