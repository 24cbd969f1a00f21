"""A scikit-learn classifier that learns nothing but the support set (scikit-learn comes with the extra ``studies``)."""

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from minisiamese.predict.model import Model, load_model
from minisiamese.predict.pictures import checked_labels, several


class SiameseClassifier(ClassifierMixin, TransformerMixin, BaseEstimator):
    """K-shot classification by a trained network: ``fit`` keeps the support set, ``predict`` compares with it.

    ``model`` is what ``minisiamese.load`` takes, or a ``Model``. X is several pictures (``pictures.several``): paths,
    Pillow images, or an array (M, H, W) or (M, H, W, C). BadInput, a ValueError, for anything else.

    >>> from minisiamese import SiameseClassifier
    >>> from minisiamese.data import glyphs
    >>> drawings = glyphs.make([0], drawers=2)
    >>> one_shot = SiameseClassifier().fit(drawings.images[1:10:2], drawings.labels[1:10:2])
    >>> one_shot.predict(drawings.images[0:6:2]).tolist()
    [0, 1, 2]
    """

    def __init__(self, model="pretrained"):
        self.model = model

    def fit(self, X, y):
        """Embed the support set X with its labels y (M,)."""
        pictures = several(X, "X")
        y = checked_labels(y, len(pictures), "y")
        self.model_ = self.model if isinstance(self.model, Model) else load_model(self.model)
        self.support_ = self.model_.support([picture.source for picture in pictures], y)
        self.classes_ = np.unique(self.support_.labels)
        return self

    def predict_proba(self, X):
        """The share of each class in the odds p / (1 - p) that a picture shows the same as it, (Q, N)."""
        check_is_fitted(self)
        p = np.clip(self.model_.class_probabilities(X, self.support_)[1].astype(float), 1e-12, 1 - 1e-12)
        odds = p / (1 - p)
        return odds / odds.sum(axis=1, keepdims=True)

    def predict(self, X):
        """The class of the support that each picture is most like, (Q,)."""
        check_is_fitted(self)
        return self.model_.classify(X, self.support_)[0]

    def transform(self, X):
        """The embeddings of pictures, (Q, D)."""
        check_is_fitted(self)
        return self.model_.embed(X)
