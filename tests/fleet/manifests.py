"""What of Kubernetes and systemd the page on operating a fleet uses: names that these know, and nothing else.

Written from their reference pages (kubernetes.io, API of apps/v1, batch/v1 and core/v1; systemd.exec, systemd.service,
systemd.timer): a slip is found here, and no cluster is claimed.
"""

from __future__ import annotations

from typing import Any

TEXT: dict[str, Any] = {"type": "string", "minLength": 1}
NAME: dict[str, Any] = {"type": "string", "pattern": "^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$"}
PATH: dict[str, Any] = {"type": "string", "pattern": "^/"}
TRUTH: dict[str, Any] = {"type": "boolean"}
NUMBER: dict[str, Any] = {"type": "integer", "minimum": 0}


def just(*optional: str, **known: Any) -> dict[str, Any]:
    """An object with these fields, all of them but the `optional` ones required."""
    required = [name for name in known if name not in optional]
    return {"type": "object", "properties": known, "required": required, "additionalProperties": False}


def some(each: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": each, "minItems": 1}


VOLUME = {
    "oneOf": [
        just(name=NAME, secret=just(secretName=NAME)),
        just(name=NAME, configMap=just(name=NAME)),
        just(name=NAME, persistentVolumeClaim=just(claimName=NAME)),
    ]
}
CONTAINER = just(
    name=NAME,
    image=TEXT,
    command=some(TEXT),
    env=some(just(name={"type": "string", "pattern": "^[A-Z][A-Z0-9_]*$"}, value=TEXT)),
    volumeMounts=some(just("readOnly", name=NAME, mountPath=PATH, readOnly=TRUTH)),
)
POD = just(
    "restartPolicy",
    restartPolicy={"enum": ["Never", "OnFailure"]},
    serviceAccountName=NAME,
    terminationGracePeriodSeconds=NUMBER,
    securityContext=just(runAsNonRoot=TRUTH, runAsUser=NUMBER, fsGroup=NUMBER),
    containers=some(CONTAINER),
    volumes=some(VOLUME),
)
CRON_JOB = just(
    apiVersion={"const": "batch/v1"},
    kind={"const": "CronJob"},
    metadata=just(name={**NAME, "maxLength": 52}),
    spec=just(
        schedule={"type": "string", "pattern": r"^([0-9*/,-]+ ){4}[0-9*/,-]+$"},
        concurrencyPolicy={"enum": ["Allow", "Forbid", "Replace"]},
        jobTemplate=just(spec=just(backoffLimit=NUMBER, template=just(spec=POD))),
    ),
)
ROOM = just(
    accessModes=some({"enum": ["ReadWriteOnce", "ReadOnlyMany", "ReadWriteMany", "ReadWriteOncePod"]}),
    resources=just(requests=just(storage={"type": "string", "pattern": "^[0-9]+(Mi|Gi|Ti)$"})),
)
CLAIM = just(apiVersion={"const": "v1"}, kind={"const": "PersistentVolumeClaim"}, metadata=just(name=NAME), spec=ROOM)
STATEFUL_SET = just(
    apiVersion={"const": "apps/v1"},
    kind={"const": "StatefulSet"},
    metadata=just(name=NAME),
    spec=just(
        serviceName=NAME,
        replicas=NUMBER,
        selector=just(matchLabels=just(app=NAME)),
        template=just(metadata=just(labels=just(app=NAME)), spec=POD),
        volumeClaimTemplates=some(just(metadata=just(name=NAME), spec=ROOM)),
    ),
)
KINDS = {"CronJob": CRON_JOB, "PersistentVolumeClaim": CLAIM, "StatefulSet": STATEFUL_SET}

UNITS = {
    "Unit": {"Description", "Wants", "After"},
    "Service": {
        *("Type", "User", "StateDirectory", "LoadCredential", "Environment", "ExecStart", "SuccessExitStatus"),
        *("Restart", "RestartSec", "TimeoutStopSec", "NoNewPrivileges", "ProtectSystem", "PrivateTmp"),
    },
    "Timer": {"OnCalendar", "Persistent"},
    "Install": {"WantedBy"},
}
