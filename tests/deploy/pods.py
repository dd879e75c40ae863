"""
What Kubernetes asks of a pod, as far as it can be judged without a cluster.

`unsafe` holds a pod against the profile "restricted" of the Pod Security
Standards; `loose_ends` finds names that lead nowhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Spec = dict[str, Any]

_VOLUMES = {
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "persistentVolumeClaim",
    "projected",
    "secret",
}
_HOST = ("hostNetwork", "hostPID", "hostIPC")
_PROBES = ("startupProbe", "readinessProbe", "livenessProbe")


def containers(pod: Spec) -> list[Spec]:
    return [*pod.get("initContainers", []), *pod["containers"]]


def unsafe(pod: Spec) -> Iterator[str]:
    """Every rule of "restricted" that the pod breaks; https://kubernetes.io/docs/concepts/security/pod-security-standards/."""
    shared = pod.get("securityContext", {})
    yield from (f"{name} is set" for name in _HOST if pod.get(name))
    for volume in pod.get("volumes", []):
        yield from (f"the volume {volume['name']} is a {kind}" for kind in set(volume) - {"name"} - _VOLUMES)
    for one in containers(pod):
        own = one.get("securityContext", {})
        both = {**shared, **own}
        if both.get("runAsNonRoot") is not True:
            yield f"{one['name']} may run as root"
        if both.get("runAsUser") == 0:
            yield f"{one['name']} runs as root"
        if both.get("seccompProfile", {}).get("type") not in ("RuntimeDefault", "Localhost"):
            yield f"{one['name']} has no seccomp profile"
        if own.get("allowPrivilegeEscalation") is not False:
            yield f"{one['name']} may gain privileges"
        if own.get("privileged"):
            yield f"{one['name']} is privileged"
        capabilities = own.get("capabilities", {})
        if "ALL" not in capabilities.get("drop", []) or set(capabilities.get("add", [])) - {
            "NET_BIND_SERVICE"
        }:
            yield f"{one['name']} keeps capabilities"
        yield from (
            f"{one['name']} takes port {port['hostPort']} of the host"
            for port in one.get("ports", [])
            if "hostPort" in port
        )


def loose_ends(pod: Spec, config_maps: set[str]) -> Iterator[str]:
    """Volumes, config maps and ports that are named, and not there; names that are there twice."""
    volumes = [volume["name"] for volume in pod.get("volumes", [])]
    names = [one["name"] for one in containers(pod)]
    yield from (
        f"{name} is there twice"
        for listed in (volumes, names)
        for name in set(listed)
        if listed.count(name) > 1
    )
    for volume in pod.get("volumes", []):
        named = volume.get("configMap", {}).get("name")
        if named is not None and named not in config_maps:
            yield f"there is no config map {named}"
    for one in containers(pod):
        ports = {port.get("name") for port in one.get("ports", [])} | {
            port["containerPort"] for port in one.get("ports", [])
        }
        yield from (
            f"{one['name']} mounts {mount['name']}, which is no volume"
            for mount in one.get("volumeMounts", [])
            if mount["name"] not in volumes
        )
        for probe in _PROBES:
            port = one.get(probe, {}).get("httpGet", {}).get("port")
            if port is not None and port not in ports:
                yield f"the {probe} of {one['name']} asks port {port}, which it has not"
