"""What is asked of a large catalog, and along which index the answer lies there."""

from __future__ import annotations

from dataclasses import dataclass

from muniment_core.db.search.search import Search
from muniment_core.db.search.store import named_versions
from muniment_core.db.search.subjects import MODELS, VERSIONS, Subject
from muniment_core.domain.search import Query
from muniment_metadata.search.check import model_filter, version_filter
from muniment_metadata.search.order import model_order, version_order
from sqlalchemy import Connection

from catalogs.large import dataset_digest

NEWEST = ""


@dataclass(frozen=True)
class Question:
    """A search.

    Attributes:
        walked: the index that is walked along, or that gives the few rows to be sorted, for each statement that a
            page may take, without the `ix_` before it.
    """

    subject: Subject
    where: str
    order_by: str
    walked: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.subject.table.name}: {self.where} / {self.order_by}"

    def search(self, connection: Connection) -> Search:
        """The search, of project 1; versions that it names are the first one."""
        if self.subject is VERSIONS:
            query = Query(version_filter(self.where, "default"), version_order(self.order_by))
        else:
            query = Query(model_filter(self.where), model_order(self.order_by))
        versions = dict.fromkeys(named_versions(query), 1)
        return Search(connection, self.subject, query, project_id=1, versions=versions)


def _of(subject: Subject, *asked: tuple[str, str, str]) -> list[Question]:
    return [Question(subject, where, order_by, tuple(walked.split())) for where, order_by, walked in asked]


# Where many rows meet each condition the newest are looked at one by one: along `versions_project_id_id`.
OF_VERSIONS = _of(
    VERSIONS,
    ("", NEWEST, "versions_project_id_id"),
    ("", "create_time", "versions_project_id_create_time"),
    ("", "update_time desc", "versions_project_id_update_time"),
    ("", "author", "versions_project_id_author"),
    ("", "state desc", "versions_project_id_state"),
    ("", "metrics.f1 desc", "version_metric_summaries_latest versions_project_id_id"),
    ("", "metrics.loss.best", "version_metric_summaries_lowest versions_project_id_id"),
    ("", "tags.team desc", "version_tags_project_id_key_prefix versions_project_id_id"),
    (
        "",
        "params.depth desc",
        "version_params_project_id_key_number version_params_project_id_key_prefix versions_project_id_id",
    ),
    ("", "model", "models_project_id_name"),
    ("", "model desc, number desc", "models_project_id_name"),
    ("", "model, update_time desc", "models_project_id_name"),
    ("tags.team = risk", "model, number", "models_project_id_name"),
    ("model > model-5", "model, number", "models_project_id_name"),
    ("model = model-7", "model, number", "versions_model_id_id"),
    ("stage = production AND author = user-3", "model", "versions_project_id_author"),
    ("model = model-7", NEWEST, "versions_model_id_id"),
    ("model = model-7 AND number = 2", NEWEST, "versions_model_id_id"),
    ("author = user-3", NEWEST, "versions_project_id_author"),
    ("run.id = run-77", NEWEST, "versions_project_id_run_id"),
    ("digest = sha256:abc", NEWEST, "versions_digest"),
    ("code.commit = c0ffee", NEWEST, "versions_code_commit"),
    ("alias = champion", NEWEST, "aliases_project_id_name"),
    ("stage = production", NEWEST, "stage_pointers_project_id_stage"),
    ("tags.team = risk", NEWEST, "version_tags_project_id_key_prefix"),
    ("tags.team >= risk", NEWEST, "versions_project_id_id"),
    ("tags:tier", NEWEST, "versions_project_id_id"),
    ("params.depth = 3", NEWEST, "version_params_project_id_key_number"),
    (
        "params.depth > 11",
        "params.depth",
        "version_params_project_id_key_number version_params_project_id_key_prefix",
    ),
    ("params.solver = lbfgs", NEWEST, "version_params_project_id_key_prefix"),
    ("dataset.name = churn", NEWEST, "version_datasets_project_id_name"),
    ("dataset.version = 1", NEWEST, "version_datasets_project_id_version"),
    ("dataset.version = 2", NEWEST, "version_datasets_project_id_version"),
    ("dataset.version = 2", "size_bytes", "version_datasets_project_id_version"),
    ("dataset.name = churn AND dataset.version = 1", NEWEST, "version_datasets_project_id_name"),
    (f"dataset.digest = {dataset_digest(7)}", NEWEST, "version_datasets_digest"),
    ("parent = model-1@1", NEWEST, "version_parents_parent_id"),
    (
        "metrics.f1 > 0.9",
        "metrics.f1 desc",
        "version_metric_summaries_latest version_metric_summaries_latest",
    ),
    ("metrics.f1 > 0.9", NEWEST, "versions_project_id_id"),
    ("metrics.f1 > 0.999", NEWEST, "version_metric_summaries_latest"),
    (
        "metrics.f1.best > 0.9",
        "metrics.f1.best desc",
        "version_metric_summaries_highest version_metric_summaries_highest",
    ),
    ("create_time >= 2030-01-01", NEWEST, "versions_project_id_create_time"),
    ("tags.team = risk AND stage = production", NEWEST, "stage_pointers_project_id_stage"),
    (
        "metrics.f1 > 0.9 AND tags.team = risk",
        "metrics.f1 desc, create_time",
        "version_metric_summaries_latest version_metric_summaries_latest",
    ),
    (
        "metrics.f1 > 0.9 AND tags.team = risk AND author = user-3",
        "metrics.loss",
        "versions_project_id_author versions_project_id_author",
    ),
    ("tags.team = risk OR tags.team = ads", NEWEST, "versions_project_id_id"),
    ("run.id = run-7 OR run.id = run-8", "size_bytes", "versions_project_id_run_id"),
    ("NOT tags.team = risk", NEWEST, "versions_project_id_id"),
)
OF_MODELS = _of(
    MODELS,
    ("", NEWEST, "models_project_id_id"),
    ("", "name", "models_project_id_name"),
    ("", "create_time desc", "models_project_id_create_time"),
    ("", "update_time", "models_project_id_update_time"),
    ("", "tags.owner desc", "model_tags_project_id_key_prefix models_project_id_id"),
    ("name = model-7", NEWEST, "models_project_id_name"),
    ("name = model-7 OR name = model-8", "latest_number", "models_project_id_name"),
    ("name > model-19 AND tags.owner = risk", "name", "model_tags_project_id_key_prefix"),
    ("stage = production", NEWEST, "models_project_id_id"),
    ("stage = nowhere", NEWEST, "stage_pointers_project_id_stage"),
    ("tags.owner = risk", NEWEST, "model_tags_project_id_key_prefix"),
    ("tags.owner = risk", "tags.owner, name", "model_tags_project_id_key_prefix"),
    ("tags.owner >= risk", "tags.owner", "model_tags_project_id_key_prefix"),
    ("tags.owner = risk AND stage = production", "update_time desc", "model_tags_project_id_key_prefix"),
    ("create_time >= 2030-01-01", NEWEST, "models_project_id_create_time"),
    ("update_time >= 2030-01-01 AND stage = production", "name", "models_project_id_update_time"),
    ("creator = ann", "name", "models_project_id_name"),
    ("NOT tags.owner = risk", NEWEST, "models_project_id_id"),
)
ALL = OF_VERSIONS + OF_MODELS
