"""The same resources as a configuration of Terraform, in its JSON form (`main.tf.json`).

Resource types and arguments are those of the provider aliyun/alicloud 1.2xx, registry documentation pages
``oss_bucket``, ``log_project``, ``log_store``, ``log_store_index``, ``message_service_topic``,
``message_service_queue``, ``message_service_subscription``, ``ram_role``, ``ram_policy``,
``ram_role_policy_attachment`` and ``pai_service`` (since 1.238.0). There is none for the autoscaler of a service on
PAI-EAS; dashboard and alerts are left to `tripcanvas provision` too.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

from cli.eas.service import service_json
from cli.provision.buckets import BucketResource
from cli.provision.channels import RETENTION_S, VISIBILITY_S, Queue, Subscription, Topic
from cli.provision.eas import EasService
from cli.provision.logs import FIELD, MOST_SHARDS, RETENTION_DAYS, SHARDS, TOKENS, LogProject, LogStore
from cli.provision.monitors import Monitor
from cli.provision.resources import Resource
from cli.provision.roles import TRUST, RoleResource
from shared.clouds.messages import MAX_BODY_BYTES

_PROVIDER = {"source": "aliyun/alicloud", "version": ">= 1.238"}


def document(resources: Iterable[Resource], region: str) -> dict[str, Any]:
    """The configuration. Account and keys come from Terraform's own environment."""
    made: dict[str, dict[str, Any]] = {}
    secrets: dict[str, dict[str, Any]] = {}
    for resource in resources:
        if isinstance(resource, EasService):
            secrets |= {name.lower(): {"type": "string", "sensitive": True} for name in resource.settings.secrets.names}
        for kind, body in _blocks(resource):
            made.setdefault(kind, {})[_label(resource.name)] = body
    return {
        "terraform": {"required_providers": {"alicloud": _PROVIDER}},
        "provider": {"alicloud": {"region": region}},
        **({"variable": secrets} if secrets else {}),
        "resource": made,
    }


def _blocks(resource: Resource) -> list[tuple[str, dict[str, Any]]]:
    match resource:
        case BucketResource():
            access = {"bucket": resource.name, "block_public_access": not resource.has_public_objects}
            return [("alicloud_oss_bucket", _bucket(resource)), ("alicloud_oss_bucket_public_access_block", access)]
        case LogProject():
            return [("alicloud_log_project", {"project_name": resource.name})]
        case LogStore():
            return _log_store(resource)
        case Monitor():
            return []
        case Topic():
            return [
                (
                    "alicloud_message_service_topic",
                    {"topic_name": resource.name, "max_message_size": MAX_BODY_BYTES},
                )
            ]
        case Queue():
            return [
                (
                    "alicloud_message_service_queue",
                    {
                        "queue_name": resource.name,
                        "maximum_message_size": MAX_BODY_BYTES,
                        "message_retention_period": RETENTION_S,
                        "visibility_timeout": VISIBILITY_S,
                    },
                )
            ]
        case Subscription():
            return [
                (
                    "alicloud_message_service_subscription",
                    {
                        "topic_name": resource.topic,
                        "subscription_name": resource.name,
                        "endpoint": resource.endpoint,
                        "push_type": "queue",
                        "notify_content_format": resource.wanted["format"],
                        "notify_strategy": resource.wanted["retries"],
                    },
                )
            ]
        case RoleResource():
            return _role(resource)
        case EasService():
            return [("alicloud_pai_service", _service(resource))]
    raise TypeError(f"no Terraform for a {resource.kind}")


def _bucket(resource: BucketResource) -> dict[str, Any]:
    return {
        "bucket": resource.name,
        "server_side_encryption_rule": [{"sse_algorithm": "AES256"}],
        "lifecycle_rule": [
            {"id": each.rule_id, "prefix": each.prefix, "enabled": True, "expiration": [{"days": each.days}]}
            for each in resource.retentions
            if each.days is not None
        ],
        # Journeys, pictures, renders: never by an apply.
        "lifecycle": {"prevent_destroy": True},
    }


def _log_store(resource: LogStore) -> list[tuple[str, dict[str, Any]]]:
    label, token = _label(resource.name), "".join(TOKENS)
    made = {
        "project_name": f"${{alicloud_log_project.{_label(resource.project)}.project_name}}",
        "logstore_name": resource.store,
        "retention_period": RETENTION_DAYS,
        "shard_count": SHARDS,
        "auto_split": True,
        "max_split_shard_count": MOST_SHARDS,
    }
    index = {
        "project": f"${{alicloud_log_store.{label}.project_name}}",
        "logstore": f"${{alicloud_log_store.{label}.logstore_name}}",
        "full_text": [{"token": token}],
        "field_search": [{"name": FIELD, "type": "text", "token": token, "enable_analytics": True}],
    }
    return [("alicloud_log_store", made), ("alicloud_log_store_index", index)]


def _role(resource: RoleResource) -> list[tuple[str, dict[str, Any]]]:
    label = _label(resource.name)
    return [
        ("alicloud_ram_role", {"role_name": resource.name, "assume_role_policy_document": json.dumps(TRUST)}),
        ("alicloud_ram_policy", {"policy_name": resource.name, "policy_document": resource.policy.decode()}),
        (
            "alicloud_ram_role_policy_attachment",
            {
                "policy_name": f"${{alicloud_ram_policy.{label}.policy_name}}",
                "policy_type": "Custom",
                "role_name": f"${{alicloud_ram_role.{label}.role_name}}",
            },
        ),
    ]


def _service(resource: EasService) -> dict[str, Any]:
    settings = resource.settings
    # A secret is a variable of Terraform, and in its state: `TF_VAR_dashscope_api_key`.
    given = {name: f"${{var.{name.lower()}}}" for name in settings.secrets.names}
    config = json.dumps(service_json(settings, "api", given), ensure_ascii=False)
    return {
        "//": "its autoscaler: `tripcanvas eas render --out` prints the command, which is run once it exists",
        "service_config": config,
        "develop": "false",
        **({"workspace_id": settings.account.workspace_id} if settings.account.workspace_id else {}),
    }


def _label(name: str) -> str:
    """A name of the configuration: letters, digits and underscores."""
    return re.sub(r"[^a-zA-Z0-9_]", "_", name)
