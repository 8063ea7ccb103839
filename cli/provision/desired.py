"""The one list of what a deployment stands on. Its functions themselves are in ``s.yaml``."""

from __future__ import annotations

import json
from pathlib import Path

from cli.deployment import Deployment
from cli.eas.settings import FILE
from cli.monitoring import ACTION_POLICY, alert_documents, dashboard_document
from cli.monitoring import filled as filled_in
from cli.policies import deployment_values, policy_documents
from cli.provision.buckets import BucketResource
from cli.provision.channels import Queue, Subscription, Topic
from cli.provision.eas import service_of
from cli.provision.logs import DEFAULT_STORE, LogProject, LogStore, Sls
from cli.provision.logs import ENDPOINT as SLS_ENDPOINT
from cli.provision.logs import PROJECT as LOG_PROJECT
from cli.provision.logs import STORE as LOG_STORE
from cli.provision.monitors import Monitor
from cli.provision.resources import Resource
from cli.provision.roles import DEFAULT_ENDPOINT, ENDPOINT, Ram, RoleResource
from localcloud.fc.roles import PREFIX
from localcloud.ram import PolicyError, filled
from shared.errors import Misconfigured
from shared.retention import retentions
from shared.settings import ENCRYPTED, Settings

KMS_KEY = "TRIPCANVAS_KMS_KEY"


def ledger_bucket(deployment: Deployment) -> BucketResource:
    """The bucket that is there first: it holds the lock."""
    return buckets_of(deployment)[0]


def resources_of(deployment: Deployment, *, eas: Path | None = FILE) -> list[Resource]:
    """Everything, in the order in which it is made. Raises `Misconfigured` for a setting that is missing.

    With the settings file `eas` the service on PAI-EAS too, if it is of the API edition; one with a page is a
    designer's.
    """
    service = [service_of(deployment, eas)] if eas and deployment.settings.eas_edition == "api" else []
    return [
        *buckets_of(deployment),
        *logs_of(deployment),
        *channels_of(deployment),
        *roles_of(deployment),
        *service,
        # Last: nothing else waits for them.
        *monitors_of(deployment),
    ]


def channels_of(deployment: Deployment) -> list[Resource]:
    """The topics and the queue. Raises `Misconfigured` for a setting that is missing."""
    settings, account = deployment.settings, deployment.services.messages.account
    topics = [settings.need("trip_topic"), settings.need("result_topic")]
    if settings.feed_target == "mns":
        topics.append(settings.need("feed_topic"))
    return [
        *(Topic(account, name) for name in topics),
        Queue(account, settings.need("dead_letter_queue")),
        *_workers_queues(deployment),
    ]


def _workers_queues(deployment: Deployment) -> list[Resource]:
    """Where workers take messages from, if the deployment has any: a queue for each topic, subscribed to it."""
    settings, account = deployment.settings, deployment.services.messages.account
    made: list[Resource] = []
    for topic, queue in (("trip_topic", settings.trip_queue), ("result_topic", settings.result_queue)):
        if queue:
            owner = deployment.environment.get("TRIPCANVAS_ACCOUNT_ID", "")
            endpoint = f"acs:mns:{settings.region}:{owner}:queues/{queue}"
            made += [Queue(account, queue), Subscription(account, settings.need(topic), queue, endpoint)]
    return made


def buckets_of(deployment: Deployment) -> list[BucketResource]:
    """The buckets, the ledger's first. Raises `Misconfigured` for a setting that is missing."""
    services, settings = deployment.services, deployment.settings
    opened = {
        "ledger_bucket": services.ledger.bucket,
        "gallery_bucket": services.gallery,
        "render_bucket": services.renders,
    }
    table = retentions(settings)
    return [
        BucketResource(
            bucket,
            settings.need(name),
            tuple(each for each in table if each.bucket == name),
            has_public_objects=name == "gallery_bucket",
        )
        for name, bucket in opened.items()
    ]


def roles_of(deployment: Deployment) -> list[RoleResource]:
    """The functions' roles with their policies. Raises `Misconfigured` for a setting that is missing."""
    if not deployment.environment.get("TRIPCANVAS_ACCOUNT_ID"):
        raise Misconfigured("TRIPCANVAS_ACCOUNT_ID is not set; the policies of the roles name the account")
    client = Ram(deployment.environment.get(ENDPOINT) or DEFAULT_ENDPOINT, deployment.credentials)
    values = deployment_values(deployment.environment)
    try:
        documents = {role: filled(document, values) for role, document in policy_documents().items()}
    except PolicyError as error:
        raise Misconfigured(str(error)) from None
    documents = {role: _with_key(document, deployment) for role, document in documents.items()}
    # As the functions of ``s.yaml`` are called, so that environments can share an account.
    prefix = deployment.environment.get("TRIPCANVAS_PREFIX") or PREFIX
    return [RoleResource(client, prefix + role.removeprefix(PREFIX), policy) for role, policy in documents.items()]


def monitors_of(deployment: Deployment) -> list[Resource]:
    """The dashboard, and the alerts where it is said whom they wake. Nothing where no log project is named."""
    environment = {LOG_STORE: DEFAULT_STORE, **deployment.environment}
    if not environment.get(LOG_PROJECT):
        return []
    client, project = _sls(deployment), environment[LOG_PROJECT]
    alerts = alert_documents() if environment.get(ACTION_POLICY) else []
    own = json.loads(filled_in(json.dumps([dashboard_document(), *alerts]), environment))
    return [Monitor(client, project, "alert" if number else "dashboard", each) for number, each in enumerate(own)]


def _with_key(policy: bytes, deployment: Deployment) -> bytes:
    """A policy that allows to decrypt with the key of `KMS_KEY` too, where one is named.

    Raises `Misconfigured` where none is, but a secret is encrypted.
    """
    environment = deployment.environment
    key = environment.get(KMS_KEY, "")
    if not key:
        for name in Settings.secrets():
            if environment.get(Settings.variable(name), "").startswith(ENCRYPTED):
                raise Misconfigured(f"{KMS_KEY} is not set; the functions can't decrypt {Settings.variable(name)}")
        return policy
    document = json.loads(policy)
    account = environment["TRIPCANVAS_ACCOUNT_ID"]
    resource = f"acs:kms:{deployment.settings.region}:{account}:key/{key}"
    document["Statement"].append({"Effect": "Allow", "Action": ["kms:Decrypt"], "Resource": [resource]})
    return json.dumps(document).encode()


def logs_of(deployment: Deployment) -> list[Resource]:
    """Where the functions log to. Nothing where no project is named, as for a deployment on containers alone."""
    environment = deployment.environment
    project, store = environment.get(LOG_PROJECT, ""), environment.get(LOG_STORE) or DEFAULT_STORE
    if not project:
        return []
    client = _sls(deployment)
    return [LogProject(client, project), LogStore(client, project, store)]


def _sls(deployment: Deployment) -> Sls:
    endpoint = deployment.environment.get(SLS_ENDPOINT) or f"https://{deployment.settings.region}.log.aliyuncs.com"
    return Sls(endpoint, deployment.credentials)
