"""The causes of a training by `fit` that does not learn: all rows of the table."""

from nn.doctor import data_causes as data_causes
from nn.doctor import model_causes as model_causes
from nn.doctor import step_causes as step_causes
from nn.doctor.table import CAUSES as CAUSES
