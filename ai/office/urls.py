from django.urls import URLPattern, path

from ai.office.review import AcceptMany, Review, ReviewOne

urlpatterns: list[URLPattern] = [
    path("<company:company>/review/", Review.as_view(), name="review"),
    path("<company:company>/review/accept/", AcceptMany.as_view(), name="review-accept"),
    path("<company:company>/review/<str:id>/", ReviewOne.as_view(), name="review-one"),
]
